-- Move a batch on: record that a job's handlers have succeeded, begin the next one, and keep some of
-- those after it from being returned for all the time that their handlers have. It may be sent again.
-- Constants of the store: RETENTION, UNFINISHED_RETENTION, HISTORY, STEP and REPLICAS, as in finish.lua.
-- KEYS  1 log  2 done  3 dead letters  4 pending jobs  5 claimed jobs  6 RQ's jobs in progress
--       7 RQ's failed jobs  8 the worker's executions  9 record of the job to begin, if one begins
--       then of the finished job, if one has finished: its record, and the six that RQ keeps of it;
--       then the records of those to keep
-- ARGV  1 token  2 queue  3 execution  4 lease in ms  5 end of an entry of RQ's
--       6 id of the job to begin, '' for none
--       7 of the finished one  8 its fingerprint  9 last handler, '' for none  10 its outcome
--       11 ids of those to keep
-- Returns the state of the finished job's record, 'lost' if another run holds its lease, or '';
-- a blank; how many of those to keep the batch holds, one digit; and the fingerprints beyond the
-- history, joined.
local token, queue, ending = ARGV[1], ARGV[2], ':' .. ARGV[3]
local lease, attempts = 't:' .. queue, 'x:' .. queue
local now, state, holds, excess = milliseconds(), '', 0, ''

-- Without functions: to define them with each call takes longer than a command.
if ARGV[7] ~= '' then
  local record, id = KEYS[10], ARGV[7]
  local f = call('HMGET', record, 's', lease, 'n', attempts, 'm')
  if f[1] == 'done' then
    -- Sent again: WAIT waits for what its own connection has written.
    if REPLICAS > 0 then call('HDEL', record, 'u:'); call('HSET', record, 's', 'done') end
    call('ZREM', KEYS[4], id)
    state = 'done'
  elseif f[2] ~= token then
    state = 'lost'
  elseif tonumber(f[3] or 0) > 1 then
    -- Other parts are open. No batch may claim a job whose handlers ran, although its beginning was
    -- refused.
    redis.pcall('HDEL', record, lease, 'u:' .. queue)
    if ARGV[9] ~= '' then call('HSET', record, 'h:' .. ARGV[9], ARGV[10], attempts, f[4] or 1) end
    if (f[5] or '0') ~= '0' then unmark_dead(record, KEYS[3], id) end
    count_part(record, f[3], KEYS[4], id)
    update_state(record, UNFINISHED_RETENTION)
    state = call('HGET', record, 's')
  else
    -- The job never failed, or no batch would have claimed it, and other parts have left nothing. If
    -- the first command is refused, a later run ends the delivery, and does not repeat what has run.
    local expires = redis.pcall('PEXPIRE', record, RETENTION)
    if (f[5] or '0') ~= '0' then unmark_dead(record, KEYS[3], id) end
    state = expires == 1 and 'done' or f[1]
    if ARGV[9] ~= '' then
      call('HSET', record, 's', state, 'z', now, 'h:' .. ARGV[9], ARGV[10], attempts, f[4] or 1)
    else
      call('HSET', record, 's', state, 'z', now)
    end
    if expires ~= 1 then call('PEXPIRE', record, RETENTION) end
    call('ZREM', KEYS[4], id)
    excess = remember_done(record, ARGV[8], KEYS[2], KEYS[1])
  end
  if state ~= 'lost' then
    local entry = id .. ending
    call('DEL', unpack(KEYS, 11, 16))
    -- RQ's clean-up moves a job from one registry to the other.
    if call('ZREM', KEYS[6], entry) == 0 then call('ZREM', KEYS[7], id) end
    call('SREM', KEYS[8], entry)
  end
end

-- From now on a worker that dies has used an attempt, and RQ recovers the job. Counts once, or also if
-- ZREM is refused: its handlers run nevertheless, and no batch may claim a job whose handlers ran.
if ARGV[6] ~= '' then
  local record, entry = KEYS[9], ARGV[6] .. ending
  local removed = redis.pcall('ZREM', KEYS[5], entry)
  if removed ~= 0 and call('HGET', record, lease) == token then
    call('HINCRBY', record, attempts, 1)
  end
  call('SADD', KEYS[8], entry)
  call('ZADD', KEYS[6], 'XX', ARGV[5], entry)
end

-- Keep the jobs from being returned, up to one whose part another run has by now.
if #ARGV > 10 then
  local first, kept = ARGV[7] ~= '' and 17 or 10, {}
  for n = 11, #ARGV do
    if call('HGET', KEYS[first + n - 11], lease) ~= token then break end
    holds = holds + 1
    kept[2 * holds - 1], kept[2 * holds] = now + ARGV[4], ARGV[n] .. ending
  end
  if holds > 0 then call('ZADD', KEYS[5], unpack(kept)) end
end
return state .. ' ' .. holds .. excess
