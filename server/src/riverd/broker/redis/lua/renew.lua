-- Renew a node's lease, and claim one node whose lease is over.
-- KEYS: nodes (by the end of their leases), claims.  ARGV: node, lease in ms, claim in ms, 'new' if
-- it has no lease yet.  Gives {1 if the node has its lease, 0 if it has lost it, a node to clear or
-- ''}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = ARGV[4] == 'new' or redis.call('ZSCORE', KEYS[1], ARGV[1])
-- A node that another one clears up after has lost its name, and gets it never again.
if not known or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return {0, ''} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 10)) do
  -- A claim ends by itself: whoever made it may be gone before its work is done.
  local claimed = tonumber(redis.call('HGET', KEYS[2], node) or '0')
  if claimed < now then
    redis.call('HSET', KEYS[2], node, now + ARGV[3])
    return {1, node}
  end
end
return {1, ''}
