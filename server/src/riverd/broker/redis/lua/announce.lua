-- Announce an event that no log keeps. Gives "epoch:offset:e"; the offset is the one that it follows.
-- KEYS: meta, log, last, and the key of the message if it has one.
-- ARGV: new epoch, epoch and offset that the publisher knows to be given ('' if none), feed, announce
-- command, key's ttl_s, body, for how many s to keep a log that begins.
if KEYS[4] then
  local seen = redis.call('GET', KEYS[4])
  if seen then return seen end
end
local epoch, offset = kept_position()
if not epoch or went_back(epoch, offset, ARGV[2], ARGV[3]) then
  epoch, offset = ARGV[1], '0'
  begin_again(epoch)
  redis.call('EXPIRE', KEYS[1], ARGV[8])
end
local receipt = epoch .. ':' .. offset .. ':e'
if KEYS[4] then
  redis.call('SET', KEYS[4], receipt, 'EX', ARGV[6])
end
redis.call(ARGV[5], ARGV[4], 'e2:' .. epoch .. ':' .. offset .. ':' .. ARGV[7])
return receipt
