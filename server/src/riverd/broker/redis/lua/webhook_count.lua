-- How many subscribers a channel has on a node, or connections a user. Gives how many events were written.
-- KEYS: the nodes that have some, with how many.  ARGV: node, count, kinds of events when it begins to
-- have some and when it has none any more, for how many s the count is kept.
local name, node = KEYS[1], ARGV[1]
local ours = tonumber(ARGV[2])
local counts, nodes, total = {}, 0, 0
local kept = redis.call('HGETALL', name)
for i = 1, #kept, 2 do counts[kept[i]] = kept[i + 1] end
-- What was written in another history may have lost its end: nodes count again.
if counts['#r'] ~= RUN or counts['#i'] ~= HISTORY then
  if #kept > 0 then redis.call('DEL', name) end
  counts = {}
end
for field, value in pairs(counts) do
  if string.sub(field, 1, 1) ~= '#' then
    nodes, total = nodes + 1, total + tonumber(value)
  end
end
local before = tonumber(counts[node] or '0')
local others = nodes - (counts[node] and 1 or 0)
if ours > 0 then
  redis.call('HSET', name, node, ARGV[2], '#r', RUN, '#i', HISTORY)
  redis.call('EXPIRE', name, ARGV[5])
elseif others > 0 then
  redis.call('HDEL', name, node)
else
  redis.call('DEL', name)
end
if nodes == 0 and ours > 0 then note(ARGV[3]) end
if before ~= ours then
  note('subscription_count', 'n', string.format('%.0f', total - before + ours))
end
if nodes > 0 and others == 0 and ours == 0 then note(ARGV[4]) end
return written
