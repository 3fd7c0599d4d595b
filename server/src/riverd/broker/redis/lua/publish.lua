-- Append one publication and announce it. Gives "epoch:offset".
-- KEYS: meta, log, and the key of the message if it has one.
-- ARGV: new epoch, epoch and offset that the publisher knows to be given ('' if none), feed, announce
-- command, key's ttl_s, body, annex ('' if none), size, ttl_ms.
if KEYS[3] then
  -- Whatever became of the log: what was accepted under this key is not published again.
  local seen = redis.call('GET', KEYS[3])
  if seen then return seen end
end
local epoch, offset, history = kept_position(KEYS[1])
if not epoch or went_back(epoch, offset, ARGV[2], ARGV[3]) then
  epoch = ARGV[1]
  begin_again(KEYS[1], KEYS[2], epoch)
elseif not history then
  redis.call('HSET', KEYS[1], 'i', HISTORY)
end
offset = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'o', 1))
local fields, kind, body = {'p', ARGV[7]}, 'p:', ARGV[7]
if ARGV[8] ~= '' then
  fields = {'p', ARGV[7], 'a', ARGV[8]}
  kind, body = 'p2:', #ARGV[8] .. ':' .. ARGV[8] .. ARGV[7]
end
if ARGV[9] ~= '0' then
  local time = redis.call('TIME')
  local id = offset .. '-' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[9], id, unpack(fields))
  redis.call('PEXPIRE', KEYS[2], ARGV[10])
end
redis.call('EXPIRE', KEYS[1], META_TTL_S)
local position = epoch .. ':' .. offset
if KEYS[3] then
  redis.call('SET', KEYS[3], position, 'EX', ARGV[6])
end
redis.call(ARGV[5], ARGV[4], kind .. position .. ':' .. body)
return position
