-- Record how a handler ended and move the delivery on. Requires the token of its lease.
-- Constants of the store: LEASE, RETENTION and UNFINISHED_RETENTION in ms; HISTORY, how many finished
-- records keep their fields; STEP, how many more before they are trimmed; REPLICAS.
-- KEYS  1 record  2 log  3 done  4 dead letters  5 pending jobs of the queue  6 jobs
-- ARGV  1 token  2 queue, '' for handlers that ran inline  3 state  4 handler, '' for none
--       5 outcome  6 reason  7 job id  8 fingerprint
--       9 wait in ms until the next attempt, or ''  10 jobs
-- The last key is the index of scheduled deliveries, or of dead ones, where it becomes one.
-- Returns the state of the record, or 'lost' if another run holds the lease; and after 'done' the
-- fingerprints beyond the history, joined.
local record, queue, state = KEYS[1], ARGV[2], ARGV[3]
local fields = call('HMGET', record, 's', 't:' .. queue, 'n')
local state_before, holder = fields[1], fields[2]
-- Also the answer to a finish that was sent twice because its answer was lost, or that of WAIT, which
-- waits for what its own connection has written.
if state_before == 'done' then
  if REPLICAS > 0 then call('HDEL', record, 'u:'); call('HSET', record, 's', 'done') end
  return 'done'
end
if holder ~= ARGV[1] then return 'lost' end
if queue == '' and state_before ~= 'running' then return state_before end

-- Another attempt than this one may have left a time. Whether it is refused does not matter.
redis.pcall('HDEL', record, 'w:' .. queue)
if ARGV[4] ~= '' then call('HSET', record, 'h:' .. ARGV[4], ARGV[5]) end
if ARGV[6] ~= '' then call('HSET', record, 'f:' .. queue, ARGV[6]) end
local now = milliseconds()
if ARGV[9] ~= '' or state == 'dead' then
  add_to_index(KEYS[#KEYS], record, ARGV[8], UNFINISHED_RETENTION)
end

if state == 'running' then
  -- The lease of a part covers the whole time that its job may take.
  if queue == '' then call('HSET', record, 'u:', now + LEASE) end
  return state
end

if state == 'queued' and queue == '' then
  local jobs = jobs_from(6, 10)
  for _, job in ipairs(jobs) do push(job, record, KEYS[4], now) end
  call('PERSIST', record)
  call('HDEL', record, 'u:', 'f:', 'm', 'n')
  if #jobs > 1 then call('HSET', record, 'n', #jobs) end
  call('HSET', record, 's', 'queued')
  return state
end

if ARGV[9] ~= '' then call('HSET', record, 'w:' .. queue, now + ARGV[9]) end
if state == 'done' then
  local open = 0
  if queue == '' then
    call('PEXPIRE', record, RETENTION)
  else
    unmark_dead(record, KEYS[4], ARGV[7])
    open = count_part(record, fields[3], KEYS[5], ARGV[7])
  end
  if open > 0 then
    update_state(record, UNFINISHED_RETENTION)
    call('HDEL', record, 't:' .. queue, 'u:' .. queue, 'f:' .. queue)
    return call('HGET', record, 's')
  end
  return 'done' .. complete(record, ARGV[8], KEYS[3], KEYS[2], now, not fields[3] and queue)
end

if state == 'dead' then
  mark_dead(record, KEYS[4], ARGV[7], now)
  update_state(record, UNFINISHED_RETENTION)
elseif state == 'failed' then
  call('PEXPIRE', record, UNFINISHED_RETENTION)
  call('HSET', record, 's', 'failed')
end
call('HDEL', record, 't:' .. queue, 'u:' .. queue)
return state
