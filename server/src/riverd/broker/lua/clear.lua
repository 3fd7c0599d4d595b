-- Give up seats of a node that is gone, some at a time. Gives how many seats it still has.
-- KEYS: meta, members, users, seats of the node.
-- ARGV: new epoch, how many, feed, announce command.
local epoch = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
local found = redis.call('HSCAN', KEYS[4], '0', 'COUNT', ARGV[2])
local seats = found[2]
for i = 1, #seats, 2 do
  redis.call('HDEL', KEYS[4], seats[i])
  if seats[i + 1] == epoch then
    give_up(KEYS[1], KEYS[2], KEYS[3], ARGV[4], ARGV[3], epoch, seats[i])
  end
end
return redis.call('HLEN', KEYS[4])
