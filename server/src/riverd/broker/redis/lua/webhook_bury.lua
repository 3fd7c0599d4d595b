-- Move entries of a queue to the dead, of which the oldest make room.
-- KEYS: how full the queues are, the queue, the dead.
-- ARGV: webhook, why, most bytes and most entries of the dead, for how many s they are kept, of each entry
-- its id, its event's id, when that was written (ms), its bytes.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
local freed = 0
for i = 6, #ARGV, 4 do
  local found = redis.call('XRANGE', KEYS[2], ARGV[i], ARGV[i])
  if found[1] then
    local fields = {'o', ARGV[i + 1], 'a', ARGV[i + 2], 'E', ARGV[2], 't', now}
    for j = 1, #found[1][2], 2 do
      local name = found[1][2][j]
      if name ~= 'o' and name ~= 'a' then
        fields[#fields + 1] = name
        fields[#fields + 1] = found[1][2][j + 1]
      end
    end
    redis.call('XDEL', KEYS[2], ARGV[i])
    redis.call('XADD', KEYS[3], '*', unpack(fields))
    freed = freed + ARGV[i + 3]
    redis.call('HINCRBY', KEYS[1], '+' .. ARGV[1], ARGV[i + 3])
  end
end
if redis.call('XLEN', KEYS[2]) == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
elseif freed > 0 then
  redis.call('HINCRBY', KEYS[1], ARGV[1], string.format('%.0f', -freed))
end
local bytes = tonumber(redis.call('HGET', KEYS[1], '+' .. ARGV[1]) or '0')
local length = redis.call('XLEN', KEYS[3])
while length > 0 and (bytes > tonumber(ARGV[3]) or length > tonumber(ARGV[4])) do
  local oldest = redis.call('XRANGE', KEYS[3], '-', '+', 'COUNT', 1)
  redis.call('XDEL', KEYS[3], oldest[1][1])
  length = length - 1
  for j = 1, #oldest[1][2], 2 do
    if oldest[1][2][j] == 'b' then bytes = bytes - oldest[1][2][j + 1] end
  end
end
if length == 0 then bytes = 0 end
redis.call('HSET', KEYS[1], '+' .. ARGV[1], string.format('%.0f', bytes))
redis.call('EXPIRE', KEYS[3], ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[5])
return 0
