-- Shared head of the scripts of members. An entry is one user on one node; a user with an entry on any
-- node is a member. A list that was written in another history of this server's data begins again, and
-- so does one of which a part is gone (evicted, deleted): nodes make their entries anew.
-- Where a webhook asks for it, `note` (of _webhooks.lua) writes its event in the same step.
-- Meta: e epoch, o version, r run, i history, n:NODE how many entries the node has.
local TTL_S = 86400
local EMPTY_TTL_S = 120

local function begin_again(meta, members, users, epoch)
  -- First what is refused without memory: a script that has written is not stopped any more.
  redis.call('HSET', meta, 'e', epoch)
  redis.call('DEL', meta, members, users)
  redis.call('HSET', meta, 'e', epoch, 'o', '0', 'r', RUN, 'i', HISTORY)
  redis.call('EXPIRE', meta, EMPTY_TTL_S)
end

-- The list's epoch and version; nothing if there is none in this history, which has to be open then, or
-- not all of it.
local function kept_version(meta, members, users)
  local kept = redis.call('HMGET', meta, 'e', 'o', 'r', 'i')
  if kept[1] and kept[2] and kept[3] == RUN and (kept[4] == HISTORY or not kept[4])
    and redis.call('HLEN', members) == redis.call('HLEN', users) then
    return kept[1], kept[2]
  end
  check_open()
end

-- As above; a list that is not there begins.
local function version_of(meta, members, users, epoch)
  local kept, version = kept_version(meta, members, users)
  if kept then return kept, version end
  begin_again(meta, members, users, epoch)
  return epoch, '0'
end

-- Whether some of a node's entries are gone.
local function has_lost_entries(meta, entries, node)
  local count = redis.call('HGET', meta, 'n:' .. node)
  return count and tonumber(count) ~= redis.call('HLEN', entries)
end

-- As above, for a node that has entries: also if some of these are gone.
local function node_version_of(meta, members, users, entries, node, epoch)
  if has_lost_entries(meta, entries, node) then
    begin_again(meta, members, users, epoch)
    return epoch, '0'
  end
  return version_of(meta, members, users, epoch)
end

local function count_entries(meta, entries, node)
  local count = redis.call('HLEN', entries)
  if count > 0 then
    redis.call('HSET', meta, 'n:' .. node, count)
  else
    redis.call('HDEL', meta, 'n:' .. node)
  end
  return count
end

local function announce(meta, command, feed, kind, epoch, body)
  local version = string.format('%.0f', redis.call('HINCRBY', meta, 'o', 1))
  redis.call(command, feed, kind .. ':' .. epoch .. ':' .. version .. ':' .. body)
  if note and kind == 'j' then note('member_joined', 'm', body) end
  if note and kind == 'l' then note('member_left', 'u', body) end
  return version
end

local function remove_entry(meta, members, users, command, feed, epoch, user)
  if redis.call('HINCRBY', users, user, -1) > 0 then return end
  redis.call('HDEL', users, user)
  if redis.call('HDEL', members, user) == 1 then
    announce(meta, command, feed, 'l', epoch, user)
  end
  if redis.call('HLEN', members) == 0 then redis.call('EXPIRE', meta, EMPTY_TTL_S) end
end
