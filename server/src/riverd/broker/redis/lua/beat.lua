-- Give a sign of life, and see those of others. Gives {now in ms, signs and times, term, outsiders,
-- sign under which this one was given, names and when they got their last answers}.
-- KEYS: signs, term, answered. The term is '' while it is closed (c: until when, in a cluster).
-- ARGV: sign ('' of one that publishes and gives none), for how many ms signs are kept, by how many ms
-- this one counts as older, the name without what stands before it in a sign, for how many ms members
-- have to be silent before a candidate ('?') is one without being seen, now of the last answer that it
-- got (0: none), in which term. Who gives the sign of a member ('' before the name) is one if it was here
-- before, as whatever.
-- In the term: x is 1 since somebody publishes who gives no signs (from xt on), 2 since others know.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local term, outsiders, since, closed = unpack(redis.call('HMGET', KEYS[2], 't', 'x', 'xt', 'c'))
if ARGV[1] == '' then
  if not outsiders then
    outsiders = '1'
    redis.call('HSET', KEYS[2], 'x', outsiders, 'xt', string.format('%.0f', now))
  end
else
  local member, candidate = ARGV[4], '?' .. ARGV[4]
  -- Another server's time says nothing here, nor does that of before this one's clock was set back.
  local answered = ARGV[7] == term and tonumber(ARGV[6]) or 0
  if answered > now then answered = 0 end
  local text = string.format('%.0f', now)
  for _, sign in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text, '+inf')) do
    redis.call('ZADD', KEYS[1], text, sign)
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '(' .. text, '+inf')
  if outsiders == '1' and answered > (tonumber(since) or now) then
    outsiders = '2'
    redis.call('HSET', KEYS[2], 'x', outsiders)
  end
  local old = string.format('%.0f', now - ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', old)
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', old)
  local was_member = redis.call('ZSCORE', KEYS[1], member)
  local was_here = redis.call('ZSCORE', KEYS[1], candidate)
  redis.call('ZREM', KEYS[1], member, candidate, '-' .. member)
  if string.sub(ARGV[1], 1, 1) ~= '-' then
    local since, members = string.format('%.0f', now - ARGV[5]), 0
    for _, sign in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], since, '+inf')) do
      if not string.find(sign, '^[?-]') then members = members + 1 end
    end
    local is_member = was_member or members == 0 or (was_here and ARGV[1] == member)
    ARGV[1] = is_member and member or candidate
  end
  redis.call('ZADD', KEYS[1], string.format('%.0f', now - ARGV[3]), ARGV[1])
  redis.call('ZADD', KEYS[3], string.format('%.0f', answered), member)
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  redis.call('PEXPIRE', KEYS[3], ARGV[2])
end
if (tonumber(closed) or 0) > now then term = '' end
return {
  now, redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES'), term, outsiders or '0', ARGV[1],
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES')
}
