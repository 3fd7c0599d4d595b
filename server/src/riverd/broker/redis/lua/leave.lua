-- Remove one entry. Gives how many the node still has in the channel.
-- KEYS: meta, members, users, entries of the node.
-- ARGV: new epoch, user, feed, announce command, node.
local made = redis.call('HGET', KEYS[4], ARGV[2])
-- An entry that was lost and not removed has left its user in the list.
if not made and not has_lost_entries(KEYS[1], KEYS[4], ARGV[5]) then return redis.call('HLEN', KEYS[4]) end
local epoch = node_version_of(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[5], ARGV[1])
if made == epoch and redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 then
  begin_again(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
  epoch = ARGV[1]
end
redis.call('HDEL', KEYS[4], ARGV[2])
local count = count_entries(KEYS[1], KEYS[4], ARGV[5])
if made == epoch then
  remove_entry(KEYS[1], KEYS[2], KEYS[3], ARGV[4], ARGV[3], epoch, ARGV[2])
end
return count
