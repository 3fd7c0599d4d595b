-- For how many ms the log has had a publication, by this server's clock; nothing if it has it not.
-- KEYS: log.  ARGV: offset.
local entry = redis.call('XRANGE', KEYS[1], ARGV[1] .. '-0', ARGV[1], 'COUNT', 1)[1]
if not entry then return nil end
local time = redis.call('TIME')
return string.format('%.3f', time[1] * 1000 + time[2] / 1000 - tonumber(string.match(entry[1], '%d+$')))
