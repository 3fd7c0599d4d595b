-- Append one publication and announce it. Gives "epoch:offset".
-- KEYS: meta, log, last, and the key of the message if it has one.
-- ARGV: new epoch, epoch and offset that the publisher knows to be given ('' if none), feed, announce
-- command, key's ttl_s, body, annex ('' if none), size, ttl_ms, bytes, the publication's bytes, for how
-- many s the newest outlives the log (0: it does not).
if KEYS[4] then
  -- Whatever became of the log: what was accepted under this key is not published again.
  local seen = redis.call('GET', KEYS[4])
  if seen then return seen end
end
local epoch, offset, is_signed, total, lost = kept_position()
if not epoch or went_back(epoch, offset, ARGV[2], ARGV[3]) then
  epoch, total, lost = ARGV[1], 0, 0
  begin_again(epoch)
elseif not is_signed then
  sign()
end
offset = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'o', 1))
local fields, kind, body = {'p', ARGV[7]}, 'p:', ARGV[7]
if ARGV[8] ~= '' then
  fields = {'p', ARGV[7], 'a', ARGV[8]}
  kind, body = 'p2:', #ARGV[8] .. ':' .. ARGV[8] .. ARGV[7]
end
local time = redis.call('TIME')
local id = offset .. '-' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local last_s = tonumber(ARGV[13])
if last_s > 0 then
  -- One of before the rules changed may be newer.
  redis.call('DEL', KEYS[3])
  redis.call('XADD', KEYS[3], id, unpack(fields))
  redis.call('EXPIRE', KEYS[3], last_s)
end
if ARGV[9] ~= '0' then
  fields[#fields + 1] = 'b'
  fields[#fields + 1] = string.format('%.0f', total)
  total = total + ARGV[12]
  redis.call('HSET', KEYS[1], 'b', string.format('%.0f', total))
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[9], id, unpack(fields))
  redis.call('PEXPIRE', KEYS[2], ARGV[10])
  if total - lost > tonumber(ARGV[11]) then
    redis.call('HSET', KEYS[1], 'l', string.format('%.0f', fit(total, tonumber(ARGV[11]))))
  end
end
redis.call('EXPIRE', KEYS[1], math.max(META_TTL_S, last_s))
local position = epoch .. ':' .. offset
if KEYS[4] then
  redis.call('SET', KEYS[4], position, 'EX', ARGV[6])
end
redis.call(ARGV[5], ARGV[4], kind .. position .. ':' .. body)
return position
