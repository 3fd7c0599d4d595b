-- What a client publishes, beside the script that publishes it: the event is written by the same step.
-- ARGV: what the script takes, then user ('' if none), event, data, session.
local session, data, event, user =
  table.remove(ARGV), table.remove(ARGV), table.remove(ARGV), table.remove(ARGV)
local is_known = KEYS[4] and redis.call('EXISTS', KEYS[4]) == 1
local answer = change()
if not is_known then
  if user == '' then
    note('client_event', 'e', event, 'd', data, 's', session)
  else
    note('client_event', 'e', event, 'd', data, 's', session, 'u', user)
  end
end
return answer
