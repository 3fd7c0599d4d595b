-- Shared head of the scripts of members. An entry is one user on one node; a user with an entry on any
-- node is a member. A list that another run of this server wrote begins again: nodes make their
-- entries anew.
local META_TTL_S = 86400

local function version_of(meta, members, users, epoch)
  local kept = redis.call('HMGET', meta, 'e', 'o', 'r')
  if not kept[1] or kept[3] ~= RUN then
    redis.call('DEL', members, users)
    redis.call('HSET', meta, 'e', epoch, 'o', '0', 'r', RUN)
    kept = {epoch, '0'}
  end
  redis.call('EXPIRE', meta, META_TTL_S)
  return kept[1], kept[2]
end

local function announce(meta, command, feed, kind, epoch, body)
  local version = string.format('%.0f', redis.call('HINCRBY', meta, 'o', 1))
  redis.call(command, feed, kind .. ':' .. epoch .. ':' .. version .. ':' .. body)
  return version
end

local function remove_entry(meta, members, users, command, feed, epoch, user)
  if redis.call('HINCRBY', users, user, -1) > 0 then return end
  redis.call('HDEL', users, user)
  if redis.call('HDEL', members, user) == 1 then
    announce(meta, command, feed, 'l', epoch, user)
  end
end
