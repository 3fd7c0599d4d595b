-- Give up one seat.
-- KEYS: meta, members, users, seats of the node.  ARGV: new epoch, user, feed, announce command.
local epoch = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
local taken = redis.call('HGET', KEYS[4], ARGV[2])
redis.call('HDEL', KEYS[4], ARGV[2])
if taken == epoch then
  give_up(KEYS[1], KEYS[2], KEYS[3], ARGV[4], ARGV[3], epoch, ARGV[2])
end
return epoch
