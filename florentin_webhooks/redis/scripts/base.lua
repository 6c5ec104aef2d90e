-- Shared by all scripts: the clock, and the end of a finished record.
--
-- A script is not rolled back when the server refuses a command of it. So each one writes what
-- counts last: the state of the record, and of a job its hash. Until then a retry of the sender, or
-- the sweeper, does all of it once more, which changes nothing that is there already. Only what has
-- run is recorded first. A server whose memory is full refuses a script that begins with a command
-- that needs memory, but nothing after the first write: scripts that end in less memory begin with
-- HDEL or PEXPIRE.
local function milliseconds()
  local clock = call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- Keep the state only. In a new hash: one that has held a body never becomes compact again.
local function compact(record, retention)
  local remaining = call('PTTL', record)
  call('DEL', record)
  call('HSET', record, 's', 'done')
  call('PEXPIRE', record, remaining > 0 and remaining or retention)
end

-- Remember a finished record, and return what add_to_history does.
local function remember_done(record, fingerprint, done, log)
  if HISTORY > 0 then return add_to_history(done, fingerprint) end
  compact(record, RETENTION)
  call('ZREM', log, fingerprint)
  return ''
end
