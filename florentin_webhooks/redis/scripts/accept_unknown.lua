-- The beginning of accept.lua, with its KEYS and ARGV: the lease or the jobs of a delivery of which
-- nothing is known, as nearly all are. The search for what is known took half of the server's time.
local function add_to_log(log, fingerprint, received)
  call('ZADD', log, received, fingerprint)
  -- Every eighth entry removes up to sixteen of the oldest ones. Their records have expired: all but
  -- those that have waited for a worker for as long.
  if string.byte(fingerprint) % 8 > 0 then return end
  call('PEXPIRE', log, UNFINISHED_RETENTION)
  local before = received - 2 * UNFINISHED_RETENTION
  local oldest = call('ZRANGEBYSCORE', log, '-inf', before, 'LIMIT', 0, 16)
  if #oldest > 0 then call('ZREM', log, unpack(oldest)) end
end

local record, aliases, count, mode = KEYS[1], #ARGV[8] / 8, tonumber(ARGV[10]), ARGV[4]
local log = 3 + aliases + (count > 0 and 1 + 4 * count or 0)

-- The hash of a job that is known is left from an earlier delivery, and so may be other keys.
if mode == '110' and count > 0
  and call('EXISTS', unpack(KEYS, 1, 2 + aliases + count)) == 0 then
  add_to_log(KEYS[log], ARGV[1], ARGV[7])
  if ARGV[2] ~= '' then call('SET', KEYS[2], ARGV[2], 'PX', RETENTION) end
  local key, at, queues = 4 + aliases + count, 11, KEYS[3 + aliases + count]
  for n = 1, count do
    local id, list = ARGV[at], KEYS[key]
    call('ZADD', KEYS[key + 2], ARGV[9], id)
    -- The set has the queue already if its list has jobs: every eighth looks nevertheless.
    if call('RPUSH', list, id) == 1 or string.byte(ARGV[1]) % 8 == 0 then
      call('SADD', queues, list)
    end
    call('HSET', KEYS[2 + aliases + n], cmsgpack.unpack(ARGV[at + 2]))
    key, at = key + 3, at + 4
  end
  call('HSET', record, 's', 'queued', 't:', ARGV[3], 'b', ARGV[5], 'd', ARGV[6],
    cmsgpack.unpack(ARGV[at - 1]))
  for n = 1, count - 1 do
    call('HSET', record, 'n', count, cmsgpack.unpack(ARGV[10 + 4 * n]))
  end
  return ARGV[1] .. 'queued\0001\0000\0000\0000'
end

-- The index of states looks at a delivery that came late, if it has passed its time of arrival. With
-- jobs, where another key is in the place of *indexed*, the caller must see to it after the *decision*.
local function note_late(decision, indexed, jobs)
  if jobs > 0 then return decision .. '+' end
  local complete = call('ZSCORE', indexed, 'u')
  if complete and tonumber(ARGV[7]) <= tonumber(complete) then
    call('ZADD', indexed, ARGV[7], ARGV[1])
  end
  return decision
end

-- Finish begins with the same command: if it is refused, then before handlers have run. A record without
-- these fields is left from an acceptance that was refused.
local known = mode == '111' and call('HMGET', record, 's', 'o')
if known and not known[1] and not known[2]
  and (aliases == 0 or call('EXISTS', unpack(KEYS, 3, 2 + aliases)) == 0)
  and (ARGV[2] == '' or call('SET', KEYS[2], ARGV[2], 'PX', RETENTION, 'NX')) then
  add_to_log(KEYS[log], ARGV[1], ARGV[7])
  local clock = call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  local decision = 'run'
  if now - ARGV[7] >= LATE then decision = note_late(decision, KEYS[log + 1], count) end
  call('HSET', record, 's', 'running', 't:', ARGV[3], 'u:', now + LEASE, 'b', ARGV[5],
    'd', ARGV[6])
  call('PEXPIRE', record, UNFINISHED_RETENTION)
  return ARGV[1] .. decision .. '\0001\0000\0000\0000'
end
