-- Write a log as it goes on, if it stands where it stood when it was looked at.
-- KEYS: round, meta, log, last, keys of messages. In a cluster the round is at another server: then the
-- first is meta, and ARGV[1] ''.
-- ARGV: round, epoch, offset and mark ("run history") where it stood ('', '0' and '' if there was none),
-- run, history, term in a cluster (''), epoch, offset, ttl_ms, for how many s the newest outlives the log
-- (0: it does not), key's ttl_s, bytes of all publications, how many there are; of each its offset, its
-- age in ms, body, annex ('' if none), the bytes before it ('' if the log does not keep it); then the
-- offset of each key.
if ARGV[1] ~= '' and redis.call('HGET', KEYS[1], 'r') ~= ARGV[1] then
  return redis.error_reply('ROUNDOVER another process restores by now')
end
local kept = redis.call('HMGET', KEYS[2], 'e', 'o', 'r', 'i')
local mark = kept[3] and kept[3] .. ' ' .. (kept[4] or '') or ''
if (kept[1] or '') ~= ARGV[2] or (kept[2] or '0') ~= ARGV[3] or mark ~= ARGV[4] then return 0 end
-- A script that has written may go on to: a position is written also where there is no memory left.
if ARGV[14] == '0' then redis.call('DEL', KEYS[3]) end
redis.call('HSET', KEYS[2], 'e', ARGV[8], 'o', ARGV[9], 'r', ARGV[5], 'i', ARGV[6], 'b', ARGV[13],
  'l', '0')
if ARGV[7] ~= '' then redis.call('HSET', KEYS[2], 't', ARGV[7]) end
redis.call('EXPIRE', KEYS[2], math.max(86400, tonumber(ARGV[11])))
redis.call('DEL', KEYS[3], KEYS[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at, count = 15, tonumber(ARGV[14])
for n = 1, count do
  local id = ARGV[at] .. '-' .. string.format('%.0f', now - ARGV[at + 1])
  local fields = {'p', ARGV[at + 2]}
  if ARGV[at + 3] ~= '' then fields[3], fields[4] = 'a', ARGV[at + 3] end
  if n == count and tonumber(ARGV[11]) > 0 then
    redis.call('XADD', KEYS[4], id, unpack(fields))
    redis.call('EXPIRE', KEYS[4], ARGV[11])
  end
  if ARGV[at + 4] ~= '' then
    fields[#fields + 1], fields[#fields + 2] = 'b', ARGV[at + 4]
    redis.call('XADD', KEYS[3], id, unpack(fields))
  end
  at = at + 5
end
redis.call('PEXPIRE', KEYS[3], ARGV[10])
for n = 5, #KEYS do
  redis.call('SET', KEYS[n], ARGV[8] .. ':' .. ARGV[at + n - 5], 'NX', 'EX', ARGV[12])
end
return 1
