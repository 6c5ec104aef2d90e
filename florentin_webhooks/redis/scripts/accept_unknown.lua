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

-- The index of states looks at a delivery that came late, if it has passed its time of arrival. With
-- jobs, whose keys are in the place of *indexed*, the caller must see to it after the *decision*.
local function note_late(decision, indexed, jobs)
  if jobs > 0 then return decision .. '+' end
  local complete = call('ZSCORE', indexed, 'u')
  if complete and tonumber(ARGV[10]) <= tonumber(complete) then
    call('ZADD', indexed, ARGV[10], ARGV[1])
  end
  return decision
end

local record, aliases, count = KEYS[1], #ARGV[13] / 8, tonumber(ARGV[14])
if ARGV[4] == '1' and ARGV[5] == '1' and (ARGV[6] == '1' or count > 0)
  and call('EXISTS', record, KEYS[2], unpack(KEYS, 5, 4 + aliases)) == 0 then
  local now = milliseconds()
  -- Finish begins with it: if it is refused, then before handlers have run.
  if ARGV[6] == '1' then call('HMGET', record, 's') end
  add_to_log(KEYS[3], ARGV[1], ARGV[10])
  if ARGV[2] ~= '' then call('SET', KEYS[2], ARGV[2] .. ARGV[1], 'PX', RETENTION) end
  if ARGV[6] == '1' then
    local decision = 'run'
    if now - ARGV[10] >= LATE then decision = note_late(decision, KEYS[5 + aliases], count) end
    call('HSET', record, 's', 'running', 'a', 1, 't:', ARGV[3], 'u:', now + LEASE, 'b', ARGV[7],
      'e', ARGV[8], 'i', ARGV[9], 'r', ARGV[10], 'k', ARGV[11], 'g', ARGV[12])
    call('PEXPIRE', record, UNFINISHED_RETENTION)
    return ARGV[1] .. decision .. '\0001\0000\0000\0000'
  end
  local fields = {'s', 'queued', 't:', ARGV[3], 'b', ARGV[7], 'e', ARGV[8], 'i', ARGV[9],
    'r', ARGV[10], 'k', ARGV[11], 'g', ARGV[12], 'n', count}
  local key, at = 6 + aliases, 15
  if ARGV[at + 4] ~= '' then
    fields[#fields + 1] = 'p'
    fields[#fields + 1] = ARGV[at + 4]
  end
  for _ = 1, count do
    local id, queue, hash, list = ARGV[at], ARGV[at + 1], KEYS[key], KEYS[key + 1]
    fields[#fields + 1] = 'q:' .. queue
    fields[#fields + 1] = ARGV[at + 2]
    if call('DEL', hash) == 1 then call('ZREM', KEYS[key + 2], id) end
    call('ZREM', KEYS[4], id)
    call('HSET', hash, unpack(cjson.decode(ARGV[at + 3])))
    call('ZADD', KEYS[key + 3], now, id)
    call('SADD', KEYS[5 + aliases], list)
    call('RPUSH', list, id)
    key, at = key + 4, at + 5
  end
  call('HSET', record, unpack(fields))
  return ARGV[1] .. 'queued\0001\0000\0000\0000'
end
