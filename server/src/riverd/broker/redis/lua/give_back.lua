-- Keep revocations or blocks that a node has, where there are none that are as new; then order that
-- all nodes read them. In one step: else the node could die between the two.
-- KEYS and ARGV: see `_orders.lua`; then revocations or blocks, when these end; and of each the user,
-- when it was ordered, when it ends (unix s or 'inf'), and itself.
check_open()
local is_missing = false
for i = 8, #ARGV, 4 do
  local kept = redis.call('HGET', KEYS[5], ARGV[i])
  if not kept or cjson.decode(kept).at < tonumber(ARGV[i + 1]) then
    is_missing = true
    redis.call('HSET', KEYS[5], ARGV[i], ARGV[i + 3])
    redis.call('ZADD', KEYS[6], ARGV[i + 2], ARGV[i])
  end
end
if is_missing then append_order() end
return 0
