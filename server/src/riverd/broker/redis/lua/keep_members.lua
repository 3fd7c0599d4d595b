-- A list that is looked at lives on, and a node's entries in it.
-- KEYS: meta, members, users, entries of the node.  ARGV: not used.
if redis.call('HLEN', KEYS[2]) > 0 then
  for _, name in ipairs(KEYS) do redis.call('EXPIRE', name, TTL_S) end
else
  redis.call('EXPIRE', KEYS[1], EMPTY_TTL_S)
end
return 0
