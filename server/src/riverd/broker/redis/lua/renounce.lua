-- A position of this epoch was given twice: begin another.
-- KEYS: meta, log, last.  ARGV: new epoch, the epoch, for how many s to keep the new one.
if kept_position() == ARGV[2] then
  begin_again(ARGV[1])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 0
