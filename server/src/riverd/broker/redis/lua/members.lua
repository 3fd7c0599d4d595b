-- All members and the version of the list: {epoch, version, {user, body, ...}}.
-- KEYS: meta, members, users.  ARGV: new epoch.
local epoch, version = version_of(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
return {epoch, version, redis.call('HGETALL', KEYS[2])}
