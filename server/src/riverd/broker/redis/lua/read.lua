-- The log's position and its last publications, or those after a position. Writes nothing, unless it
-- is asked to keep the log: then a channel without one gets an epoch that lives for a while.
-- KEYS: meta, log, last.  ARGV: new epoch, epoch after which (empty: the last ones), offset after which,
-- limit (0: none), ttl_ms, for how many s to keep a log without publications (0: do not).
-- Gives {epoch, offset, reason or '', entries oldest first}.

-- The newest publication, if it has outlived the log.
local function last(offset)
  return redis.call('XRANGE', KEYS[3], offset, offset)
end

local epoch, offset = kept_position()
local after = tonumber(ARGV[3])
local keeps = ARGV[6] ~= '0'
-- Who keeps a log has a replica of it: an offset before the replica's went back.
if keeps and (not epoch or (ARGV[2] == epoch and after > tonumber(offset))) then
  epoch, offset = ARGV[1], '0'
  begin_again(epoch)
  redis.call('EXPIRE', KEYS[1], ARGV[6])
end
if not epoch then
  return {'', '0', (ARGV[2] == '') and '' or 'epoch', {}}
end
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
  if #entries == 0 then entries = last(offset) end
  return {epoch, offset, '', entries}
end
if ARGV[2] ~= epoch then return {epoch, offset, 'epoch', {}} end
if after > tonumber(offset) then return {epoch, offset, 'unknown', {}} end
if after == tonumber(offset) then return {epoch, offset, '', {}} end
local first = string.format('%.0f', after + 1)
-- Looked at before all of it is read.
entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', 1)
if #entries == 0 or offset_of(entries[1]) ~= first then
  entries = (first == offset) and last(offset) or {}
  return {epoch, offset, (#entries == 0) and 'window' or '', entries}
end
if limit > 0 then
  entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', limit)
else
  entries = redis.call('XRANGE', KEYS[2], first, '+')
end
return {epoch, offset, '', entries}
