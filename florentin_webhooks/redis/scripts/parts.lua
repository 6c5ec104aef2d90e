-- Shared by the scripts that end the parts of a delivery, after base.lua.

-- A record with a dead part is dead. It expires only once none of its other parts is open.
local function update_state(record, unfinished_retention)
  local parts = call('HMGET', record, 'm', 'n')
  local dead, open = tonumber(parts[1] or 0), tonumber(parts[2] or 0)
  if dead > 0 and dead >= open then
    call('PEXPIRE', record, unfinished_retention)
  else
    call('PERSIST', record)
  end
  call('HSET', record, 's', dead > 0 and 'dead' or 'queued')
end

local function unmark_dead(record, dead, id)
  if not call('ZSCORE', dead, id) then return end
  local count = call('HINCRBY', record, 'm', 0)
  call('ZREM', dead, id)
  if count > 0 then call('HINCRBY', record, 'm', -1) end
end

-- Count a finished part of those that are *open*, or of one without a number, and return how many
-- are left. A job is removed from the pending jobs once, so its part is counted once. The last part's
-- record expires from now on.
local function count_part(record, open, pending, id)
  open = tonumber(open or 0)
  if open <= 1 then call('PEXPIRE', record, RETENTION) end
  open = open - call('ZREM', pending, id)
  if open > 0 then call('HSET', record, 'n', open) end
  return open
end
