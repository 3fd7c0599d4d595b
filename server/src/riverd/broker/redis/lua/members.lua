-- Members and the version of the list: {epoch, version, count of all, {user, body, ...}}.
-- KEYS: meta, members, users.  ARGV: new epoch, limit (0: none; a few more may come).
local epoch, version = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
local limit = tonumber(ARGV[2])
local count = redis.call('HLEN', KEYS[2])
if limit == 0 or count <= limit then
  return {epoch, version, count, redis.call('HGETALL', KEYS[2])}
end
local found, upto = {}, '0'
repeat
  local part = redis.call('HSCAN', KEYS[2], upto, 'COUNT', limit)
  upto = part[1]
  for _, word in ipairs(part[2]) do found[#found + 1] = word end
until upto == '0' or #found >= 2 * limit
return {epoch, version, count, found}
