-- Keep revocations or blocks that a node has, where there are none that are as new.
-- KEYS: revocations or blocks, when these end.  ARGV: of each the user, when it was ordered, when it
-- ends (unix s or 'inf'), and itself.
for i = 1, #ARGV, 4 do
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  if not kept or cjson.decode(kept).at < tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 3])
    redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i])
  end
end
return 0
