-- A list that is looked at lives on, and a node's entries in it; one of which a part is gone begins
-- again, though nobody comes or goes: nodes find the new epoch when they compare.
-- KEYS: meta, members, users, entries of the node.  ARGV: new epoch, node.
local listed = redis.call('HLEN', KEYS[2])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if listed ~= redis.call('HLEN', KEYS[3]) or has_lost_entries(KEYS[1], KEYS[4], ARGV[2])
  or (listed == 0 and redis.call('HEXISTS', KEYS[1], 'n:' .. ARGV[2]) == 1) then
  begin_again(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
elseif listed > 0 then
  for _, name in ipairs(KEYS) do redis.call('EXPIRE', name, TTL_S) end
else
  redis.call('EXPIRE', KEYS[1], EMPTY_TTL_S)
end
return 0
