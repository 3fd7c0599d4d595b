-- Give up seats of a node that is gone, some at a time. Gives where to go on; '0' at the end.
-- KEYS: meta, members, users, seats of the node.
-- ARGV: new epoch, how many, feed, announce command, where to go on ('0' at the beginning).
local epoch = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
-- Not from the beginning each time: what is given up there leaves holes that are looked at again.
local found = redis.call('HSCAN', KEYS[4], ARGV[5], 'COUNT', ARGV[2])
local seats = found[2]
for i = 1, #seats, 2 do
  redis.call('HDEL', KEYS[4], seats[i])
  if seats[i + 1] == epoch then
    give_up(KEYS[1], KEYS[2], KEYS[3], ARGV[4], ARGV[3], epoch, seats[i])
  end
end
return found[1]
