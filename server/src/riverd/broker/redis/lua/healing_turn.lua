-- See whether the data is open; otherwise whose round it is, and begin one if it is nobody's.
-- KEYS: term, round, offers.  ARGV: history, the least number of a term, name, new round, its ms, '1' if
-- the data is closed to all while there is a round (in a cluster).
-- Gives {number and name of the term if it is open, '', 0}, or {'', '', round, 1 if it is this one's}.
local term = redis.call('HMGET', KEYS[1], 'h', 'n', 't')
local is_closed = ARGV[6] == '1' and redis.call('EXISTS', KEYS[2]) == 1
if not is_closed and term[1] == ARGV[1] and tonumber(term[2]) >= tonumber(ARGV[2]) then
  return {term[2], term[3], '', 0}
end
local round = redis.call('HMGET', KEYS[2], 'r', 'o')
if not round[1] then
  redis.call('DEL', KEYS[3])
  redis.call('HSET', KEYS[2], 'r', ARGV[4], 'o', ARGV[3])
  round = {ARGV[4], ARGV[3]}
end
if round[2] == ARGV[3] then redis.call('PEXPIRE', KEYS[2], ARGV[5]) end
return {'', '', round[1], (round[2] == ARGV[3]) and 1 or 0}
