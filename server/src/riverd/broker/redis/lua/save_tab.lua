-- Changes one connection's row of a page.
-- KEYS: the page. ARGV: the connection's session, how long the page lives then (ms), the write's
-- number, whether it begins a row (1), what the row says of the page; then channel and cursor each,
-- an empty one to remove it. Answers with 1; if there is no row, and none was begun, with 2, or with 0
-- if nothing is known of the page; with 3 if the row owes its page gaps (g), until the write says that
-- it is known that the page is shared (s).
local FIELDS_MAX = 4000
local page, session, number = KEYS[1], ARGV[1], tonumber(ARGV[3])
local letters = string.match(ARGV[5], '^%S+')
local row = redis.call('HGET', page, session)

-- Two pages have had this identity: what the other rows began with may have been the other page's.
local function owe_gaps()
    local fields = redis.call('HGETALL', page)
    for i = 1, #fields, 2 do
        if string.find(fields[i], ' ', 1, true) then
            redis.call('HSET', page, fields[i], ' 0')
        else
            local number, traits, ids = string.match(fields[i + 1], '^(%d+) (%S+) (%S*)$')
            traits = string.gsub(traits, '[-g]', '') .. 'g'
            redis.call('HSET', page, fields[i], number .. ' ' .. traits .. ' ' .. ids)
        end
    end
end

if not row then
    if ARGV[4] ~= '1' then
        return redis.call('EXISTS', page) == 1 and 2 or 0
    end
    -- Nobody has so many rows that are in use: without the others, what they had is lost.
    if redis.call('HLEN', page) > FIELDS_MAX then
        redis.call('DEL', page)
        ARGV[5] = 'l' .. ARGV[5]
    elseif string.find(letters, 's', 1, true) then
        owe_gaps()
    end
elseif string.find(row, '^%d+ %a*g') and not string.find(letters, 's', 1, true) then
    redis.call('PEXPIRE', page, ARGV[2])
    return 3
elseif tonumber(string.match(row, '^%d+')) >= number then
    redis.call('PEXPIRE', page, ARGV[2])
    return 1
end
redis.call('HSET', page, session, ARGV[3] .. ' ' .. ARGV[5])
for i = 6, #ARGV, 2 do
    local field = session .. ' ' .. ARGV[i]
    if ARGV[i + 1] == '' then
        redis.call('HDEL', page, field)
    else
        redis.call('HSET', page, field, ARGV[i + 1])
    end
end
redis.call('PEXPIRE', page, ARGV[2])
return 1
