-- Make an entry. Gives "epoch:version" of the list that has the user; '' if it has so many others.
-- KEYS: meta, members, users, entries of the node.
-- ARGV: new epoch, user, body of the announcement, feed, announce command, node, most members (or '').
local epoch, version =
  node_version_of(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[6], ARGV[1])
-- Entries outlive a list that began again: each holds the epoch in which it was made.
local made = redis.call('HGET', KEYS[4], ARGV[2])
if made == epoch and redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then
  begin_again(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
  epoch, version = ARGV[1], '0'
end
local limit = tonumber(ARGV[7])
if limit and redis.call('HLEN', KEYS[2]) >= limit and redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then
  return ''
end
if made ~= epoch then
  redis.call('HSET', KEYS[4], ARGV[2], epoch)
  local count = count_entries(KEYS[1], KEYS[4], ARGV[6])
  if redis.call('HINCRBY', KEYS[3], ARGV[2], 1) == 1 then
    redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
    version = announce(KEYS[1], ARGV[5], ARGV[4], 'j', epoch, ARGV[3])
  end
  -- The first of a list or of a node; whoever has a replica lets them live on.
  if count == 1 or version == '1' then
    for _, name in ipairs(KEYS) do redis.call('EXPIRE', name, TTL_S) end
  end
end
return epoch .. ':' .. version
