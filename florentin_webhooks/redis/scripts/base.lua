-- Comes first in all scripts: the clock, and the end of a finished record.
local call = redis.call

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

-- Remember a finished record; those beyond HISTORY keep their state only. Needs the constants of the
-- store. Every call renews the list: once it is full, its length is always the same.
local function remember_done(record, fingerprint, done, log)
  call('PEXPIRE', record, RETENTION)
  local length = call('LPUSH', done, fingerprint)
  call('PEXPIRE', done, UNFINISHED_RETENTION)
  while length > HISTORY do
    local oldest = call('RPOP', done)
    if call('HGET', RECORDS .. oldest, 's') == 'done' then
      compact(RECORDS .. oldest, oldest, log, RETENTION)
    end
    length = length - 1
  end
end
