-- Renew a node's lease, and claim one node whose lease is over.
-- KEYS: nodes (by the end of their leases), claims.  ARGV: node, lease in ms, claim in ms.
-- Gives {1 if the lease was still there, a node to clear or ''}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A node that is being cleared by another has lost its name.
local kept = redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 and redis.call('ZSCORE', KEYS[1], ARGV[1])
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
end
local over = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 10)
for _, node in ipairs(over) do
  -- A claim ends by itself: whoever made it may be gone before its work is done.
  local claimed = tonumber(redis.call('HGET', KEYS[2], node) or '0')
  if claimed < now then
    redis.call('HSET', KEYS[2], node, now + ARGV[3])
    return {kept and 1 or 0, node}
  end
end
return {kept and 1 or 0, ''}
