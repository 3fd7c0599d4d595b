-- Become or stay the only sender of a webhook. Gives 1 if it is.
-- KEYS: who is.  ARGV: who asks, for how many ms (0: be it no more).
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
