-- Shared head of what appends to the control log.
-- KEYS: meta, log, last, key of the order.  ARGV: new epoch, body, size, ttl_ms, feed, announce
-- command, key's ttl_s.

-- Append an order and announce it. Gives "epoch:offset", and whether the log has not seen it before.
local function append_order()
  local time = redis.call('TIME')
  local epoch, _, is_signed = kept_position()
  local seen = redis.call('GET', KEYS[4])
  -- What only a log that is lost has seen is appended again: a node gives it back.
  if seen and epoch and string.match(seen, '^(.*):') == epoch then return seen, false end
  if not epoch then
    epoch = ARGV[1]
    begin_again(epoch)
  elseif not is_signed then
    sign()
  end
  local offset = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'o', 1))
  local id = offset .. '-' .. string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
  redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], id, 'p', ARGV[2])
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
  redis.call('EXPIRE', KEYS[1], META_TTL_S)
  local position = epoch .. ':' .. offset
  redis.call('SET', KEYS[4], position, 'EX', ARGV[7])
  redis.call(ARGV[6], ARGV[5], 'p:' .. position .. ':' .. ARGV[2])
  return position, true
end
