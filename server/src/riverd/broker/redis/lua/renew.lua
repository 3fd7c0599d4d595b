-- Renew a node's lease, and claim one node whose lease is over.
-- KEYS: nodes (by the end of their leases), claims.  ARGV: node, lease in ms, claim in ms, 'new' if
-- it has no lease yet, most ms that one renewal may move the clock.
-- Gives {1 if the node has its lease, 0 if it has lost it, a node to clear or ''}.
--
-- Leases end by a clock of their own: it goes on with each renewal, by as much time as passed since
-- the last one of any node, and by a little at most. So it stands still while nobody can renew, and a
-- server's clock that was set ends no lease. In claims: 'clock' what it shows, 'time' the server's then.
local time = redis.call('TIME')
local wall = time[1] * 1000 + math.floor(time[2] / 1000)
local kept = redis.call('HMGET', KEYS[2], 'clock', 'time')
local now = wall
if kept[1] and kept[2] then
  now = tonumber(kept[1]) + math.max(0, math.min(wall - tonumber(kept[2]), tonumber(ARGV[5])))
end
redis.call('HSET', KEYS[2], 'clock', string.format('%.0f', now), 'time', string.format('%.0f', wall))
redis.call('EXPIRE', KEYS[2], 86400)
local known = ARGV[4] == 'new' or redis.call('ZSCORE', KEYS[1], ARGV[1])
-- A node that another one clears up after has lost its name, and gets it never again.
if not known or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 then return {0, ''} end
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
for _, node in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 10)) do
  -- A claim ends by itself: whoever made it may be gone before its work is done.
  local claimed = tonumber(redis.call('HGET', KEYS[2], node) or '0')
  if claimed < now then
    redis.call('HSET', KEYS[2], node, string.format('%.0f', now + ARGV[3]))
    return {1, node}
  end
end
return {1, ''}
