-- Append one publication and announce it. Gives "epoch:offset".
-- KEYS: meta, log, and the key of the message if it has one.
-- ARGV: new epoch, body, size, ttl_ms, feed, announce command, key's ttl_s, deadline in ms of this
-- server's clock.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > tonumber(ARGV[8]) then
  return redis.error_reply('LATE the publisher does not wait any more')
end
local epoch = position_of(KEYS[1], KEYS[2], ARGV[1])
if KEYS[3] then
  local seen = redis.call('GET', KEYS[3])
  if seen and string.sub(seen, 1, #epoch + 1) == epoch .. ':' then
    return seen
  end
end
local offset = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'o', 1))
if ARGV[3] ~= '0' then
  local id = offset .. '-' .. string.format('%.0f', now)
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], id, 'p', ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
end
redis.call('EXPIRE', KEYS[1], META_TTL_S)
local position = epoch .. ':' .. offset
if KEYS[3] then
  redis.call('SET', KEYS[3], position, 'EX', ARGV[7])
end
redis.call(ARGV[6], ARGV[5], 'p:' .. position .. ':' .. ARGV[2])
return position
