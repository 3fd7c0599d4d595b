-- Remove one entry.
-- KEYS: meta, members, users, entries of the node.  ARGV: new epoch, user, feed, announce command.
local epoch = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
local made = redis.call('HGET', KEYS[4], ARGV[2])
redis.call('HDEL', KEYS[4], ARGV[2])
if made == epoch then
  remove_entry(KEYS[1], KEYS[2], KEYS[3], ARGV[4], ARGV[3], epoch, ARGV[2])
end
return epoch
