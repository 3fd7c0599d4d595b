-- Shared head of the scripts that write events for webhooks with the change that they make. Its own
-- KEYS and ARGV come last. KEYS: how full the queues of this slot are, a queue for each webhook.
-- ARGV: of each webhook its id and the kinds that it asks for (' one other '); bytes that a queue may
-- have, a part of events' ids, the channel, how many webhooks.
-- Of an entry: k kind, c channel, b its bytes, x a part of its id; see webhook_entries.py.
local QUEUE_TTL_S = 172800
local KEPT_S = 604800
local ENTRY_BYTES = 64
local webhooks, written = {}, 0
local number = tonumber(table.remove(ARGV))
local subject = table.remove(ARGV)
local id_part = table.remove(ARGV)
local queue_bytes_max = tonumber(table.remove(ARGV))
for i = 1, number do
  local kinds = table.remove(ARGV)
  webhooks[i] = {id = table.remove(ARGV), kinds = kinds, queue = table.remove(KEYS)}
end
local queues = table.remove(KEYS)

-- Append to a queue. One that is full is emptied and begins with a reset: publishing never stops.
local function append(webhook, fields)
  local size = ENTRY_BYTES
  for _, field in ipairs(fields) do size = size + #field end
  if redis.call('HINCRBY', queues, webhook.id, size) > queue_bytes_max then
    -- Not deleted: the ids of its entries go on.
    redis.call('XTRIM', webhook.queue, 'MAXLEN', 0)
    redis.call('HSET', queues, webhook.id, ENTRY_BYTES + size)
    redis.call('HINCRBY', queues, '!' .. webhook.id, 1)
    redis.call('XADD', webhook.queue, '*', 'b', ENTRY_BYTES, 'x', id_part, 'k', 'reset', 'r', 'overflow')
  end
  redis.call('XADD', webhook.queue, '*', 'b', string.format('%.0f', size), 'x', id_part, unpack(fields))
  redis.call('EXPIRE', webhook.queue, QUEUE_TTL_S)
  redis.call('EXPIRE', queues, KEPT_S)
  written = written + 1
end

-- Write an event for every webhook that asks for its kind; what follows are more of its fields.
local function note(kind, ...)
  for _, webhook in ipairs(webhooks) do
    if string.find(webhook.kinds, ' ' .. kind .. ' ', 1, true) then
      append(webhook, {'k', kind, 'c', subject, ...})
    end
  end
end
