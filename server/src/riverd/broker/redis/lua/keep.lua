-- A log that has no publication yet lives on; one that has some does so by itself.
-- KEYS: meta.  ARGV: for how many s.
local epoch, offset = kept_position(KEYS[1])
if epoch then
  redis.call('EXPIRE', KEYS[1], offset == '0' and ARGV[1] or META_TTL_S)
end
return 0
