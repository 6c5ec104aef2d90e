-- Record how a handler ended and move the delivery on. Requires the token of its lease.
-- KEYS  1 record  2 log  3 done  4 dead letters  5 pending jobs of the queue  6 jobs
-- ARGV  1 token  2 queue, '' for handlers that ran inline  3 state  4 handler, '' for none
--       5 outcome  6 reason  7 job id  8 fingerprint  9 prefix of records  10 lease in ms
--       11 retention in ms  12 unfinished retention in ms  13 history
--       14 wait in ms until the next attempt, or ''  15 jobs
-- Returns the state of the record, or 'lost' if another run holds the lease.
local record, queue, state = KEYS[1], ARGV[2], ARGV[3]
local fields = call('HMGET', record, 's', 't:' .. queue)
local state_before, holder = fields[1], fields[2]
-- Also the answer to a finish that was sent twice because its answer was lost.
if state_before == 'done' then return 'done' end
if holder ~= ARGV[1] then return 'lost' end
if queue == '' and state_before ~= 'running' then return state_before end

if ARGV[4] ~= '' then call('HSET', record, 'h:' .. ARGV[4], ARGV[5]) end
if ARGV[6] ~= '' then call('HSET', record, 'f:' .. queue, ARGV[6]) end
local now = milliseconds()

if state == 'running' then
  -- The lease of a part covers the whole time that its job may take.
  if queue == '' then call('HSET', record, 'u:', now + ARGV[10]) end
  return state
end

if state == 'queued' and queue == '' then
  local jobs = jobs_from(6, 15)
  call('HDEL', record, 'u:', 'f:', 'w:')
  call('HSET', record, 's', 'queued', 'n', #jobs, 'm', 0)
  call('PERSIST', record)
  for _, job in ipairs(jobs) do push(job, record, KEYS[4], now) end
  return state
end

call('HDEL', record, 't:' .. queue, 'u:' .. queue)
if ARGV[14] ~= '' then call('HSET', record, 'w:' .. queue, now + ARGV[14]) end
if state == 'done' then
  local open = 0
  if queue ~= '' then
    -- A job is removed from the pending jobs once, so its part is counted once.
    local removed = call('ZREM', KEYS[5], ARGV[7])
    open = call('HINCRBY', record, 'n', -removed)
    unmark_dead(record, KEYS[4], ARGV[7])
  end
  if open > 0 then
    update_state(record, ARGV[12])
    return call('HGET', record, 's')
  end
  complete(record, ARGV[8], KEYS[2], KEYS[3], ARGV[9], ARGV[11], ARGV[12], tonumber(ARGV[13]))
  return 'done'
end

if state == 'dead' then
  mark_dead(record, KEYS[4], ARGV[7], now)
  update_state(record, ARGV[12])
elseif state == 'failed' then
  call('HSET', record, 's', 'failed')
  call('PEXPIRE', record, ARGV[12])
end
return state
