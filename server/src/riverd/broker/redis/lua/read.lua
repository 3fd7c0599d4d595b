-- The log's position and its last publications, or those after a position.
-- KEYS: meta, log.  ARGV: new epoch, epoch after which (empty: the last ones), offset after which,
-- limit (0: none), ttl_ms.  Gives {epoch, offset, reason or '', entries oldest first}.
local epoch, offset = position_of(KEYS[1], KEYS[2], ARGV[1])
redis.call('EXPIRE', KEYS[1], META_TTL_S)
trim(KEYS[2], ARGV[5])
local limit = tonumber(ARGV[4])
local entries
if ARGV[2] == '' then
  if limit > 0 then
    local newest = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', limit)
    entries = {}
    for i = #newest, 1, -1 do entries[#entries + 1] = newest[i] end
  else
    entries = redis.call('XRANGE', KEYS[2], '-', '+')
  end
  return {epoch, offset, '', entries}
end
if ARGV[2] ~= epoch then return {epoch, offset, 'epoch', {}} end
local after = tonumber(ARGV[3])
if after > tonumber(offset) then return {epoch, offset, 'unknown', {}} end
if after == tonumber(offset) then return {epoch, offset, '', {}} end
local first = string.format('%.0f', after + 1)
if limit > 0 then
  entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', limit)
else
  entries = redis.call('XRANGE', KEYS[2], first, '+')
end
if #entries == 0 or offset_of(entries[1]) ~= first then
  return {epoch, offset, 'window', {}}
end
return {epoch, offset, '', entries}
