-- Give a part of an offer to a round; who has the round keeps it so. Gives 1, 0 if the round is over, -1
-- if there is no memory for it.
-- KEYS: round, offers, in a cluster the term.  ARGV: round, name, field, what is given, for how many ms, round's ms, bytes that
-- all offers may have ('' for any), 1 if it is written also where the server has no memory left.
local round, owner, bytes = unpack(redis.call('HMGET', KEYS[1], 'r', 'o', 'b'))
if round ~= ARGV[1] then return 0 end
bytes = (tonumber(bytes) or 0) + #ARGV[4]
if ARGV[7] ~= '' and bytes > tonumber(ARGV[7]) then return -1 end
-- A script that has written may go on to.
if ARGV[8] == '1' then redis.call('HDEL', KEYS[2], ARGV[3]) end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('HSET', KEYS[1], 'b', string.format('%.0f', bytes))
if owner == ARGV[2] then
  redis.call('PEXPIRE', KEYS[1], ARGV[6])
  if KEYS[3] then
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    redis.call('HSET', KEYS[3], 'c', string.format('%.0f', now + ARGV[6]))
  end
end
return 1
