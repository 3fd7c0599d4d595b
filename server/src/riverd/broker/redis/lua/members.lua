-- Members and the version of the list: {epoch, version, count of all, {user, body, ...}}. Writes
-- nothing, unless it is asked to keep the list: then one that is not there begins.
-- KEYS: meta, members, users.  ARGV: new epoch, limit (0: none; a few more may come), keep ('1' or '0').
local epoch, version = kept_version(KEYS[1], KEYS[2], KEYS[3])
if not epoch then
  if ARGV[3] == '0' then return {'', '0', 0, {}} end
  begin_again(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
  epoch, version = ARGV[1], '0'
end
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
