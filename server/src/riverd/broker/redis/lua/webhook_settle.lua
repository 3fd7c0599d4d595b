-- Forget entries of a queue.  KEYS: how full the queues are, the queue.
-- ARGV: webhook, of each entry its id and bytes.
local freed = 0
for i = 2, #ARGV, 2 do
  if redis.call('XDEL', KEYS[2], ARGV[i]) == 1 then freed = freed + ARGV[i + 1] end
end
if redis.call('XLEN', KEYS[2]) == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
elseif freed > 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], string.format('%.0f', -freed))
end
return 0
