-- A log that has no publication yet lives on; one that has some does so by itself.
-- KEYS: meta.  ARGV: for how many s.
local epoch, offset, is_signed = kept_position()
if epoch and not is_signed then sign() end
if epoch and offset == '0' then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
elseif epoch then
  keep_meta(META_TTL_S)
end
return 0
