-- Shared head of the log's scripts. RUN is this server's run id: a log that another run wrote to
-- may have lost its end with that run, so it begins again under a new epoch.
-- The id of a log's entry is its offset and the time at which it was written, in ms.
local META_TTL_S = 86400
local LOOK_AT = 100

local function position_of(meta, log, epoch)
  local kept = redis.call('HMGET', meta, 'e', 'o', 'r')
  if kept[1] and kept[3] == RUN then
    return kept[1], kept[2]
  end
  redis.call('DEL', log)
  redis.call('HSET', meta, 'e', epoch, 'o', '0', 'r', RUN)
  return epoch, '0'
end

local function offset_of(entry)
  return string.match(entry[1], '^(%d+)-')
end

-- Drop what is older than its time. While a channel is published to, its size alone bounds it.
local function trim(log, ttl_ms)
  local time = redis.call('TIME')
  local before = time[1] * 1000 + math.floor(time[2] / 1000) - ttl_ms
  while true do
    local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', LOOK_AT)
    if #oldest == 0 then return end
    for i, entry in ipairs(oldest) do
      if tonumber(string.match(entry[1], '-(%d+)$')) >= before then
        if i > 1 then redis.call('XTRIM', log, 'MINID', entry[1]) end
        return
      end
    end
    redis.call('XTRIM', log, 'MINID', string.format('%.0f', offset_of(oldest[#oldest]) + 1))
  end
end
