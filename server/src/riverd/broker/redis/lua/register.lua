-- List a node among those that are connected, and among those that were within a day.
-- KEYS: names, seen.  ARGV: "INSTANCE NAME", how long it counts in ms, "INSTANCE STARTED NAME",
-- how long a node that is gone is remembered in ms, how many of them.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now))
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now - ARGV[4]))
redis.call('ZADD', KEYS[2], string.format('%.0f', now), ARGV[3])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return redis.status_reply('OK')
