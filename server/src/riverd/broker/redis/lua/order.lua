-- Append an order to the control log, keep what stays in force of it, and announce it. Gives
-- "epoch:offset". Revocations and blocks belong to no history: a server that restarts has them still.
-- KEYS: meta, log, last, key of the order, revocations or blocks, when these end.
-- ARGV: new epoch, body, size, ttl_ms, feed, announce command, key's ttl_s, user ('' if nothing stays in
-- force), what stays, when that ends (unix s or 'inf').
local time = redis.call('TIME')
local epoch = kept_position()
local seen = redis.call('GET', KEYS[4])
-- What only a log that is lost has seen is appended again: a node gives it back.
if seen and epoch and string.match(seen, '^(.*):') == epoch then return seen end
if not epoch then
  epoch = ARGV[1]
  begin_again(epoch)
end
local offset = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'o', 1))
local id = offset .. '-' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], id, 'p', ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('EXPIRE', KEYS[1], META_TTL_S)
if ARGV[8] ~= '' then
  for _, user in ipairs(redis.call('ZRANGEBYSCORE', KEYS[6], '-inf', time[1], 'LIMIT', 0, 100)) do
    redis.call('HDEL', KEYS[5], user)
    redis.call('ZREM', KEYS[6], user)
  end
  redis.call('HSET', KEYS[5], ARGV[8], ARGV[9])
  redis.call('ZADD', KEYS[6], ARGV[10], ARGV[8])
end
local position = epoch .. ':' .. offset
redis.call('SET', KEYS[4], position, 'EX', ARGV[7])
redis.call(ARGV[6], ARGV[5], 'p:' .. position .. ':' .. ARGV[2])
return position
