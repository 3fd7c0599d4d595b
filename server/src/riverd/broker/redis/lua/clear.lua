-- Remove entries of a node that is gone, some at a time. Gives where to go on; '0' at the end.
-- KEYS: meta, members, users, entries of the node.
-- ARGV: new epoch, how many, feed, announce command, where to go on ('0' at the beginning), node.
local epoch = kept_version(KEYS[1], KEYS[2], KEYS[3])
if ARGV[5] == '0' and has_lost_entries(KEYS[1], KEYS[4], ARGV[6]) then
  -- Nobody knows any more who was there: those who are say so again.
  begin_again(KEYS[1], KEYS[2], KEYS[3], ARGV[1])
  epoch = ARGV[1]
end
-- Not from the beginning each time: what is removed there leaves holes that are looked at again.
local found = redis.call('HSCAN', KEYS[4], ARGV[5], 'COUNT', ARGV[2])
local entries = found[2]
for i = 1, #entries, 2 do
  redis.call('HDEL', KEYS[4], entries[i])
  if entries[i + 1] == epoch then
    remove_entry(KEYS[1], KEYS[2], KEYS[3], ARGV[4], ARGV[3], epoch, entries[i])
  end
end
if epoch then count_entries(KEYS[1], KEYS[4], ARGV[6]) end
return found[1]
