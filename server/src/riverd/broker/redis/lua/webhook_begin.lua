-- Write a reset if the webhook is new, or a server has a history that it was not known with.
-- KEYS: the histories that were known.  ARGV: the histories of now.
local is_new = redis.call('EXISTS', KEYS[1]) == 0
local unknown = {}
for _, history in ipairs(ARGV) do
  if redis.call('SISMEMBER', KEYS[1], history) == 0 then unknown[#unknown + 1] = history end
end
if #unknown == 0 then
  redis.call('EXPIRE', KEYS[1], KEPT_S)
  return 0
end
if redis.call('SCARD', KEYS[1]) > 100 then redis.call('DEL', KEYS[1]) end
redis.call('SADD', KEYS[1], unpack(ARGV))
redis.call('EXPIRE', KEYS[1], KEPT_S)
note('reset', 'r', is_new and 'started' or 'broker')
return written
