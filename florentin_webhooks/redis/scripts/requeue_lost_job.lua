-- Push a job again that RQ has lost, or mark one dead that has failed for good.
-- KEYS  1 record  2 dead letters  3 intermediate list of the queue  4 its scheduled jobs
--       5 lost jobs of the queue  6 RQ's results of the job  7 jobs (one); last the index of dead
--       deliveries
-- ARGV  1 unfinished retention in ms  2 key ids of the receiver  3 jobs (one)
-- Returns 'lost' for a job that was pushed again, 'dead', 'gone' for one
-- whose record is lost, 'expired' for a dead letter, or 'fine'.
local record, job = KEYS[1], jobs_from(7, 3)[1]
if not call('ZSCORE', job.pending, job.id) then return 'fine' end
if call('EXISTS', record) == 0 then
  call('DEL', job.hash, KEYS[6])
  call('ZREM', job.failed, job.id)
  call('ZREM', KEYS[4], job.id)
  call('ZREM', job.pending, job.id)
  local expired = call('ZREM', KEYS[2], job.id) == 1
  if expired then return 'expired' end
  mark_lost(KEYS[5], job.id, ARGV[1])
  return 'gone'
end
if call('ZSCORE', KEYS[2], job.id) then return 'fine' end
if not is_ours(call('HGET', record, 'p'), ARGV[2], true) then return 'fine' end

local status, now = call('HGET', job.hash, 'status'), milliseconds()
if has_failed(status) then
  add_to_index(KEYS[#KEYS], record, string.sub(record, -16), ARGV[1])
  mark_dead(record, KEYS[2], job.id, now)
  update_state(record, ARGV[1])
  return 'dead'
end
-- RQ writes the status first and schedules the job after it: a kill in between loses the job.
if status == 'scheduled' then
  if call('ZSCORE', KEYS[4], job.id) then return 'fine' end
-- RQ itself recovers jobs that were started.
elseif status and status ~= 'queued' then return 'fine' end
if call('LPOS', job.list, job.id) or call('LPOS', KEYS[3], job.id) then return 'fine' end
push(job, record, KEYS[2], now)
return 'lost'
