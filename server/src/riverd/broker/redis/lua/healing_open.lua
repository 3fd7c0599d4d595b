-- Let calls through. Members that took part have given a sign of life so.
-- KEYS: term, round, offers, signs, answered.  ARGV: round, which names the term, history, number, shards
-- of a cluster ('' of one server), members.
if redis.call('HGET', KEYS[2], 'r') ~= ARGV[1] then
  return redis.error_reply('ROUNDOVER another process restores by now')
end
redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4], KEYS[5])
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], 'h', ARGV[2], 'n', ARGV[3], 't', ARGV[1], 'at', now)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[1], 's', ARGV[4]) end
for n = 5, #ARGV do redis.call('ZADD', KEYS[4], now, ARGV[n]) end
-- Until the first sign of life.
redis.call('EXPIRE', KEYS[4], 60)
return 1
