-- Shared head of the log's scripts. RUN is this server's run id: a log that another run wrote to
-- may have lost its end with that run, so it begins again under a new epoch.
local META_TTL_S = 86400

local function place_of(meta, log, epoch)
  local kept = redis.call('HMGET', meta, 'e', 'o', 'r')
  if kept[1] and kept[3] == RUN then
    return kept[1], kept[2]
  end
  redis.call('DEL', log)
  redis.call('HSET', meta, 'e', epoch, 'o', '0', 'r', RUN)
  return epoch, '0'
end
