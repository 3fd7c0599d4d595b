-- A subscriber found nothing in a channel that keeps its last event: of many, one says so.
-- KEYS: the mark that it was said.  ARGV: for how many ms that is enough.
if redis.call('SET', KEYS[1], '1', 'NX', 'PX', ARGV[1]) then note('cache_miss') end
return written
