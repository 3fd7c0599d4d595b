-- Shared head of the log's scripts. RUN and HISTORY name the server's data: a log that was written in
-- another history may have lost its end with that one, so it begins again under a new epoch. In a cluster
-- a slot may have been moved here: what another server wrote goes on if that one is among MARKS and it
-- was in one of TERMS, in which this one is; NOW is the newest. What was here before may be an old copy.
-- Meta: e epoch, o offset, r run, i history, t term in a cluster; b bytes of all publications ever, l those of which the
-- log has lost at least. What 0.1.0 wrote has no i: its run counts. KEYS: meta, log, last.
-- The id of a log's entry is its offset and the time at which it was written, in ms.
local META_TTL_S = 86400
local LOOK_AT = 100

-- Write who has written last.
local function sign()
  redis.call('HSET', KEYS[1], 'r', RUN, 'i', HISTORY)
  if NOW ~= '' then redis.call('HSET', KEYS[1], 't', NOW) end
end

local function begin_again(epoch)
  -- First what is refused without memory: a script that has written is not stopped any more.
  redis.call('HSET', KEYS[1], 'e', epoch, 'o', '0', 'r', RUN, 'i', HISTORY, 'b', '0', 'l', '0')
  redis.call('DEL', KEYS[2], KEYS[3])
  sign()
end

-- The log's epoch and offset, whether it is signed as of now, b and l; nothing if there is none in this
-- history, which has to be open then, or if it lost one of the first two.
local function kept_position()
  local kept = redis.call('HMGET', KEYS[1], 'e', 'o', 'r', 'i', 'b', 'l', 't')
  local is_ours = kept[3] == RUN and (kept[4] == HISTORY or not kept[4])
  if kept[1] and kept[2]
    and (is_ours or (kept[4] and kept[7] and MARKS[kept[3]] == kept[4] and TERMS[kept[7]])) then
    local is_signed = kept[4] == HISTORY and (NOW == '' or kept[7] == NOW)
    return kept[1], kept[2], is_signed, tonumber(kept[5] or '0'), tonumber(kept[6] or '0')
  end
  check_open()
end

-- Whether the log stands before a position that was given: older data under the same history.
local function went_back(epoch, offset, known_epoch, known_offset)
  return epoch == known_epoch and tonumber(offset) < tonumber(known_offset)
end

local function offset_of(entry)
  return string.match(entry[1], '^(%d+)-')
end

-- For how long a log's position is kept at least; never shortened.
local function keep_meta(ttl_s)
  if redis.call('TTL', KEYS[1]) < ttl_s then redis.call('EXPIRE', KEYS[1], ttl_s) end
end

-- Drop the oldest up to an entry. Beyond 2^53 numbers have holes: false if nothing was dropped.
local function drop_up_to(log, entry)
  return redis.call('XTRIM', log, 'MINID', string.format('%.0f', offset_of(entry) + 1)) > 0
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
    if not drop_up_to(log, oldest[#oldest]) then
      redis.call('DEL', log)
      return
    end
  end
end

-- How many bytes there were before an entry. What an older River wrote does not say: it counts as lost.
local function bytes_before(entry)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == 'b' then return tonumber(fields[i + 1]) end
  end
end

-- Drop the oldest until the log has no more than so many bytes. Gives how many are lost then.
local function fit(total, bytes_max)
  local count = 1
  while true do
    -- One at first: in a full log each publication displaces one or two.
    local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', count)
    for i, entry in ipairs(oldest) do
      local before = bytes_before(entry)
      if before and total - before <= bytes_max then
        if i > 1 then redis.call('XTRIM', KEYS[2], 'MINID', entry[1]) end
        return before
      end
    end
    if #oldest < count or not drop_up_to(KEYS[2], oldest[#oldest]) then
      redis.call('DEL', KEYS[2])
      return total
    end
    count = math.min(2 * count, LOOK_AT)
  end
end
