-- Renew a node's lease, and claim one node whose lease is over.
-- KEYS: nodes (by the end of their leases), claims.  ARGV: node, lease in ms, claim in ms, 'new' if
-- it has no lease yet, most ms that pass for leases between two renewals, after how many ms a name is
-- cleared up that was lost with the leases: its entries may be at other servers of a cluster.
-- Gives {1 if the node has its lease, 0 if it has lost it, a node to clear or ''}.
--
-- Between two renewals of any nodes a little time passes for leases at most, and none backwards: by the
-- rest all of them move. So none ends while nobody can renew, or because this server's clock was set.
-- They end by that clock, as 0.1.0 reads them. In claims: 'time' that of the last renewal.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local passed = now - tonumber(redis.call('HGET', KEYS[2], 'time') or now)
local moved = passed - math.max(0, math.min(passed, tonumber(ARGV[5])))
redis.call('HSET', KEYS[2], 'time', string.format('%.0f', now))
if moved ~= 0 then
  for _, node in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    redis.call('ZINCRBY', KEYS[1], moved, node)
  end
  for _, node in ipairs(redis.call('HKEYS', KEYS[2])) do
    if node ~= 'time' then redis.call('HINCRBY', KEYS[2], node, moved) end
  end
end
redis.call('EXPIRE', KEYS[2], 86400)
local known = ARGV[4] == 'new' or redis.call('ZSCORE', KEYS[1], ARGV[1])
-- A node that another one clears up after has lost its name, and gets it never again.
local is_claimed = redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1
if not known and not is_claimed then
  redis.call('ZADD', KEYS[1], string.format('%.0f', now + (ARGV[6] or 0)), ARGV[1])
end
if not known or is_claimed then return {0, ''} end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now), 'LIMIT', 0, 10)) do
  -- A claim ends by itself: whoever made it may be gone before its work is done.
  local claimed = tonumber(redis.call('HGET', KEYS[2], node) or '0')
  if claimed < now then
    redis.call('HSET', KEYS[2], node, string.format('%.0f', now + ARGV[3]))
    return {1, node}
  end
end
return {1, ''}
