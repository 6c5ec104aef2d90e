-- Take the lease of one queue's part of a delivery.
-- KEYS  1 record  2 pending jobs of the queue  3 dead letters  4 lost jobs of the queue
-- ARGV  1 token  2 queue  3 job id  4 lease in ms  5 unfinished retention in ms
--       6 key ids of the receiver  7 whether the job names its import path  8 owner
-- Returns {decision, wait in ms, attempt, body, arrival, handlers that the delivery was queued for,
-- handlers done ...}; for 'foreign', another program's job: {decision, 0, how often it was refused, owner}.
local record, queue = KEYS[1], ARGV[2]
local lease = call('HMGET', record, 's', 't:' .. queue, 'u:' .. queue, 'p')
local state, holder, lease_expires_at = lease[1], lease[2], lease[3]
if not is_ours(lease[4], ARGV[6], ARGV[7] == '1') then
  call('HDEL', record, 'w:' .. queue)
  return {'foreign', 0, state and call('HINCRBY', record, 'y:' .. queue, 1) or 0, lease[4] or ''}
end
if not state then
  call('ZREM', KEYS[2], ARGV[3])
  call('ZREM', KEYS[3], ARGV[3])
  mark_lost(KEYS[4], ARGV[3], ARGV[5])
  return {'gone', 0}
end
-- The part of a job that was pushed twice, or by hand, is done already.
if not call('ZSCORE', KEYS[2], ARGV[3]) then return {'done', 0} end
if state == 'done' then
  call('ZREM', KEYS[2], ARGV[3])
  return {'done', 0}
end

local now = milliseconds()
local wait = wait_for_lease(record, 'u:' .. queue, lease_expires_at, now, ARGV[4])
if holder and holder ~= ARGV[1] and wait > 0 then return {'busy', wait} end
call('HDEL', record, 'y:' .. queue, 'w:' .. queue)
local attempt = holder == ARGV[1] and tonumber(call('HGET', record, 'x:' .. queue))
  or call('HINCRBY', record, 'x:' .. queue, 1)
call('HSET', record, 't:' .. queue, ARGV[1], 'u:' .. queue, now + ARGV[4])
-- From now on the job has the key ids of today: a rotation may end before its last retry.
if ARGV[8] ~= '' then call('HSET', record, 'p', ARGV[8]) end
-- An operator may have asked RQ to requeue a job that had failed for good.
unmark_dead(record, KEYS[3], ARGV[3])
update_state(record, ARGV[5])

local fields = call('HMGET', record, 'b', 'd', 'q:' .. queue)
local answer = {'run', 0, attempt, fields[1] or '', arrival_of(record, fields[2]), fields[3] or ''}
for _, field in ipairs(call('HKEYS', record)) do
  if string.sub(field, 1, 2) == 'h:' then answer[#answer + 1] = string.sub(field, 3) end
end
return answer
