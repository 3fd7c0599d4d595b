-- A log that has no publication yet lives on; one that has some does so by itself.
-- KEYS: meta.  ARGV: for how many s.
local epoch, offset, history = kept_position()
if epoch and not history then redis.call('HSET', KEYS[1], 'r', RUN, 'i', HISTORY) end
if epoch and offset == '0' then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
elseif epoch then
  keep_meta(META_TTL_S)
end
return 0
