-- One connection's row replaces all rows of a page, with the lowest cursor of each channel.
-- KEYS: the page. ARGV: the connection's session, how long the page lives then (ms), how many
-- sessions are remembered. Answers with what the row says of the page, the sessions, and channel,
-- epoch and offset of each cursor; with nothing if the page is not known.
local fields = redis.call('HGETALL', KEYS[1])
if #fields == 0 then
    return {}
end
local session, number, lost, shared = ARGV[1], '0', '', ''
local epochs, offsets, sessions, remembered = {}, {}, {}, {}
for i = 1, #fields, 2 do
    local owner, channel = string.match(fields[i], '^(%S+) (%S+)$')
    if owner then
        local epoch, offset = string.match(fields[i + 1], '^(%S*) (%d+)$')
        if not epochs[channel] then
            epochs[channel], offsets[channel] = epoch, offset
        elseif epochs[channel] ~= epoch then
            -- They have no order.
            epochs[channel], offsets[channel] = '', '0'
        elseif tonumber(offset) < tonumber(offsets[channel]) then
            offsets[channel] = offset
        end
    else
        local written, traits, ids = string.match(fields[i + 1], '^(%d+) (%S+) (%S*)$')
        if fields[i] == session then
            number = written
        end
        if string.find(traits, 'l') then lost = 'l' end
        if string.find(traits, 's') then shared = 's' end
        for id in string.gmatch(ids, '[^,]+') do
            if not remembered[id] then
                remembered[id] = true
                sessions[#sessions + 1] = id
            end
        end
    end
end
if not remembered[session] then
    sessions[#sessions + 1] = session
end
while #sessions > tonumber(ARGV[3]) do
    table.remove(sessions, 1)
end
local traits, ids = lost .. shared, table.concat(sessions, ',')
if traits == '' then traits = '-' end
local answer = {traits, ids}
-- Where two pages have one identity nobody knows whose a row is: then all are left.
if shared == '' then
    redis.call('DEL', KEYS[1])
end
redis.call('HSET', KEYS[1], session, number .. ' ' .. traits .. ' ' .. ids)
for channel, epoch in pairs(epochs) do
    redis.call('HSET', KEYS[1], session .. ' ' .. channel, epoch .. ' ' .. offsets[channel])
    answer[#answer + 1] = channel
    answer[#answer + 1] = epoch
    answer[#answer + 1] = offsets[channel]
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return answer
