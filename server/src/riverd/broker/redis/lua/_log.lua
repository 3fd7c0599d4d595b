-- Shared head of the log's scripts. RUN and HISTORY name the server's data: a log that was written in
-- another history may have lost its end with that one, so it begins again under a new epoch.
-- Meta: e epoch, o offset, r run, i history. What 0.1.0 wrote has no i: its run counts.
-- The id of a log's entry is its offset and the time at which it was written, in ms.
local META_TTL_S = 86400
local LOOK_AT = 100

local function begin_again(meta, log, epoch)
  -- First what is refused without memory: a script that has written is not stopped any more.
  redis.call('HSET', meta, 'e', epoch, 'o', '0', 'r', RUN, 'i', HISTORY)
  redis.call('DEL', log)
end

-- The log's epoch and offset; nothing if there is none in this history.
local function kept_position(meta)
  local kept = redis.call('HMGET', meta, 'e', 'o', 'r', 'i')
  if kept[1] and kept[3] == RUN and (kept[4] == HISTORY or not kept[4]) then
    return kept[1], kept[2], kept[4]
  end
end

-- Whether the log stands before a position that was given: older data under the same history.
local function went_back(epoch, offset, known_epoch, known_offset)
  return epoch == known_epoch and tonumber(offset) < tonumber(known_offset)
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
