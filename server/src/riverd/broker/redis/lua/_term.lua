-- Shared head of scripts that take what they do not find for something new. TERM is the one in which they
-- were loaded: somebody may have flushed everything, or it was opened as another since. In a cluster it
-- is '': the term is in another slot.

-- Fails, before anything was written, unless the data is open in this term.
local function check_open()
  if TERM ~= '' and redis.call('HGET', 'river:{nodes}:term', 't') ~= TERM then
    error('CLOSED the data was flushed, or opened again since', 0)
  end
end
