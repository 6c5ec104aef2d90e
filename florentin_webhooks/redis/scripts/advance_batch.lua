-- Move a batch on: record that a job's handlers have succeeded, begin the next one, and lease one
-- of those after it for all the time that its handlers have. It may be sent again.
-- Constants of the store: RETENTION, UNFINISHED_RETENTION, HISTORY, STEP and REPLICAS, as in finish.lua.
-- KEYS  1 log  2 done  3 dead letters  4 pending jobs  5 claimed jobs  6 RQ's jobs in progress
--       7 RQ's failed jobs  8 the worker's executions
--       9 record of the job to begin, '' for none  10 record of the one to lease, '' for none
--       11 of the finished job, if one has finished: its record, then all that RQ keeps of it
-- ARGV  1 token  2 queue  3 execution  4 lease in ms  5 end of an entry of RQ's
--       6 id of the job to begin  7 of the one to lease
--       8 of the finished one  9 its fingerprint  10 last handler, '' for none  11 its outcome
-- Returns the state of the finished job's record, 'lost' if another run holds its lease, or '';
-- a blank; 1 if the batch still holds the lease of that job; and the fingerprints beyond the history,
-- joined.
local token, queue, execution = ARGV[1], ARGV[2], ARGV[3]
local now, state, holds, excess = milliseconds(), '', 0, ''

local function finish_part(record, id)
  local f = call('HMGET', record, 's', 't:' .. queue, 'n', 'x:' .. queue)
  if f[1] == 'done' then
    -- Sent again: WAIT waits for what its own connection has written.
    if REPLICAS > 0 then call('HDEL', record, 'u:'); call('HSET', record, 's', 'done') end
    return 'done'
  end
  if f[2] ~= token then return 'lost' end
  redis.pcall('HDEL', record, 't:' .. queue, 'u:' .. queue)
  if ARGV[10] ~= '' then
    -- No batch may claim a job whose handlers ran, although its beginning was refused.
    call('HSET', record, 'h:' .. ARGV[10], ARGV[11], 'x:' .. queue, f[4] or 1)
  end
  unmark_dead(record, KEYS[3], id)
  local open = count_part(record, f[3], KEYS[4], id)
  if open > 0 then
    update_state(record, UNFINISHED_RETENTION)
    return call('HGET', record, 's')
  end
  excess = complete(record, ARGV[9], KEYS[2], KEYS[1], now)
  return 'done'
end

if ARGV[8] ~= '' then
  state = finish_part(KEYS[11], ARGV[8])
  if state ~= 'lost' then
    call('DEL', unpack(KEYS, 12))
    call('ZREM', KEYS[6], ARGV[8] .. ':' .. execution)
    call('ZREM', KEYS[7], ARGV[8])
    call('SREM', KEYS[8], ARGV[8] .. ':' .. execution)
  end
end
if ARGV[6] ~= '' then
  local entry = ARGV[6] .. ':' .. execution
  begin_part(KEYS[9], queue, token, entry, KEYS[5], KEYS[8])
  call('ZADD', KEYS[6], 'XX', ARGV[5], entry)
end
if ARGV[7] ~= '' and call('HGET', KEYS[10], 't:' .. queue) == token then
  promote_part(KEYS[10], queue, token, ARGV[7] .. ':' .. execution, KEYS[5], now + ARGV[4], 0)
  holds = 1
end
return state .. ' ' .. holds .. excess
