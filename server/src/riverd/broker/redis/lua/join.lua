-- Make an entry. Gives "epoch:version" of the list that has the user.
-- KEYS: meta, members, users, entries of the node.
-- ARGV: new epoch, user, body of the announcement, feed, announce command.
local epoch, version = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
-- Entries outlive a list that began again: each holds the epoch in which it was made.
local made = redis.call('HGET', KEYS[4], ARGV[2])
if made ~= epoch then
  redis.call('HSET', KEYS[4], ARGV[2], epoch)
  if redis.call('HINCRBY', KEYS[3], ARGV[2], 1) == 1 then
    redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
    version = announce(KEYS[1], ARGV[5], ARGV[4], 'j', epoch, ARGV[3])
  end
end
return epoch .. ':' .. version
