-- A position of this epoch was given twice: begin another.
-- KEYS: meta, log.  ARGV: new epoch, the epoch, for how many s to keep the new one.
if kept_position(KEYS[1]) == ARGV[2] then
  begin_again(KEYS[1], KEYS[2], ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 0
