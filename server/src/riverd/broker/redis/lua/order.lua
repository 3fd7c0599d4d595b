-- Append an order to the control log, announce it, and keep what stays in force of it. Gives
-- "epoch:offset". Revocations and blocks belong to no history: a server that restarts has them still.
-- KEYS and ARGV: see `_orders.lua`; then revocations or blocks, when these end; and user ('' if nothing
-- stays in force), what stays, when that ends (unix s or 'inf').
local position, is_new = append_order()
if is_new and ARGV[8] ~= '' then
  local now = redis.call('TIME')[1]
  for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', now, 'LIMIT', 0, 100)) do
    redis.call('HDEL', KEYS[5], user)
    redis.call('ZREM', KEYS[6], user)
  end
  redis.call('HSET', KEYS[5], ARGV[8], ARGV[9])
  redis.call('ZADD', KEYS[6], ARGV[10], ARGV[8])
end
return position
