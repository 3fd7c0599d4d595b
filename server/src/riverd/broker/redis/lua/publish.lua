-- Append one publication and announce it. Gives "epoch:offset".
-- KEYS: meta, log, and the key of the message if it has one.
-- ARGV: new epoch, body, size, ttl_ms, feed, announce command, key's ttl_s, epoch and offset that the
-- publisher knows to be given ('' if none).
if KEYS[3] then
  -- Whatever became of the log: what was accepted under this key is not published again.
  local seen = redis.call('GET', KEYS[3])
  if seen then return seen end
end
local epoch, offset, history = kept_position(KEYS[1])
-- An offset that went back: older data under the same history.
if not epoch or (epoch == ARGV[8] and tonumber(offset) < tonumber(ARGV[9])) then
  epoch = ARGV[1]
  begin_again(KEYS[1], KEYS[2], epoch)
elseif not history then
  redis.call('HSET', KEYS[1], 'i', HISTORY)
end
offset = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'o', 1))
if ARGV[3] ~= '0' then
  local time = redis.call('TIME')
  local id = offset .. '-' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
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
