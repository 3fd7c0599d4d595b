-- Move dead entries back behind all that waits. Gives how many.
-- KEYS: the dead.  ARGV: the dead entries.
for _, id in ipairs(ARGV) do
  local found = redis.call('XRANGE', KEYS[1], id, id)
  if found[1] then
    local fields = {}
    for j = 1, #found[1][2], 2 do
      local name, value = found[1][2][j], found[1][2][j + 1]
      if name == 'b' then
        redis.call('HINCRBY', queues, '+' .. webhooks[1].id, -value)
      elseif name ~= 'E' and name ~= 't' and name ~= 'x' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
    redis.call('XDEL', KEYS[1], id)
    append(webhooks[1], fields)
  end
end
return written
