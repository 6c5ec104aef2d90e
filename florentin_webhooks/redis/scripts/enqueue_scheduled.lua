-- Push the jobs of a delivery now that wait for the time of their next attempt. RQ's fields stay:
-- it is the attempt that was scheduled, and as many are left after it.
-- KEYS  1 record  2 for each job, the scheduled jobs of its queue; then jobs
-- ARGV  1 ms around its time in which a job is left to RQ's scheduler, which reads what is due, and
--       pushes and removes it in a later step  2 jobs
-- Returns how many jobs were pushed, or are due and left to the scheduler.
local record, near, now, found = KEYS[1], tonumber(ARGV[1]), milliseconds(), 0

local function enqueue(job)
  local fields = {cmsgpack.unpack(job.fields)}
  for n = 1, #fields, 2 do
    if fields[n] == 'enqueued_at' then call('HSET', job.hash, fields[n], fields[n + 1]) end
  end
  call('HSET', job.hash, 'status', 'queued')
  call('HDEL', record, 'w:' .. job.queue)
  call('SADD', job.queues, job.list)
  call('RPUSH', job.list, job.id)
end

for n, job in ipairs(jobs_from(2 + ARGV[2], 2)) do
  local due = call('ZSCORE', KEYS[1 + n], job.id)
  if due and call('ZSCORE', job.pending, job.id) then
    local is_left = math.abs(due * 1000 - now) <= near
    local is_lost = call('EXISTS', job.hash) == 0
    if is_lost or not is_left then call('ZREM', KEYS[1 + n], job.id) end
    if not is_lost then
      if not is_left then enqueue(job) end
      found = found + 1
    end
  end
end
return found
