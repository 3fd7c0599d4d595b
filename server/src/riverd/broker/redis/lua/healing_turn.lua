-- See whether the data is open; otherwise whose round it is, and begin one if it is nobody's, or if it
-- was begun in another history: a replica may still have one that is over, with what was offered to it.
-- KEYS: term, round, offers.  ARGV: history, the least number of a term, name, new round, its ms, '1' if
-- the data is closed to all while there is a round (in a cluster: c of the term says until when).
-- Gives {number and name of the term if it is open, '', 0}, or {'', '', round, 1 if it is this one's}.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local term = redis.call('HMGET', KEYS[1], 'h', 'n', 't', 'c')
local is_closed = ARGV[6] == '1' and (tonumber(term[4]) or 0) > now
if not is_closed and term[1] == ARGV[1] and tonumber(term[2]) >= tonumber(ARGV[2]) then
  return {term[2], term[3], '', 0}
end
local round = redis.call('HMGET', KEYS[2], 'r', 'o', 'h')
if not round[1] or round[3] ~= ARGV[1] then
  redis.call('DEL', KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[2], 'r', ARGV[4], 'o', ARGV[3], 'h', ARGV[1])
  round = {ARGV[4], ARGV[3]}
end
if round[2] == ARGV[3] then
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
  if ARGV[6] == '1' then redis.call('HSET', KEYS[1], 'c', string.format('%.0f', now + ARGV[5])) end
end
return {'', '', round[1], (round[2] == ARGV[3]) and 1 or 0}
