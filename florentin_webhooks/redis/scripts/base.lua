-- Comes first in all scripts: the clock, and the end of a finished record.
--
-- A script is not rolled back when the server refuses a command of it. So each one writes what
-- counts last: the state of the record, and of a job its hash. Until then a retry of the sender, or
-- the sweeper, does all of it once more, which changes nothing that is there already. Only what has
-- run is recorded first. A server whose memory is full refuses a script that begins with a command
-- that needs memory, but nothing after the first write: scripts that end in less memory begin with
-- HDEL or PEXPIRE.
local call = redis.call

-- A delivery that is recorded so many ms after its arrival may be missed by the index of states.
local LATE = 10000

local function milliseconds()
  local clock = call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- Keep the state only. In a new hash: one that has held a body never becomes compact again.
local function compact(record, fingerprint, log, retention)
  local remaining = call('PTTL', record)
  call('DEL', record)
  call('HSET', record, 's', 'done')
  call('PEXPIRE', record, remaining > 0 and remaining or retention)
  call('ZREM', log, fingerprint)
end

-- Remember a finished record, and return the fingerprints beyond HISTORY once there are STEP more of
-- them, '' otherwise: the caller passes their keys to trim_history, and no script touches a key that
-- its caller did not name. Needs the constants of the store. Every call renews the list: once it is
-- full, its length hardly changes.
local function remember_done(record, fingerprint, done, log)
  if HISTORY == 0 then
    compact(record, fingerprint, log, RETENTION)
    return ''
  end
  local excess = call('LPUSH', done, fingerprint) - HISTORY
  call('PEXPIRE', done, UNFINISHED_RETENTION)
  if excess <= 0 or excess % STEP > 0 then return '' end
  return table.concat(call('LRANGE', done, -math.min(excess, 256), -1))
end
