-- The time by which events are written, in ms.  KEYS: any in the slot.
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
