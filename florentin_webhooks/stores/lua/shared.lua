-- What several scripts do: time, the jobs of a delivery, and closing a record.
local call = redis.call

local function milliseconds()
  local clock = call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- The jobs stand at the end of KEYS (the set of queues, then four keys for each job) and of ARGV
-- (their number, then for each: id, queue, names of its handlers, number of words, its words).
local function jobs_from(key, at)
  local jobs, queues = {}, KEYS[key]
  local count = tonumber(ARGV[at])
  at = at + 1
  for n = 1, count do
    local words = tonumber(ARGV[at + 3])
    jobs[n] = {
      id = ARGV[at], queue = ARGV[at + 1], handlers = ARGV[at + 2],
      first = at + 4, last = at + 3 + words, queues = queues,
      hash = KEYS[key + 1], list = KEYS[key + 2], failed = KEYS[key + 3], pending = KEYS[key + 4],
    }
    key, at = key + 4, at + 4 + words
  end
  return jobs
end

-- A job without handlers stands for those that its part was queued for.
local function push(job, record, dead, now)
  call('DEL', job.hash)
  call('ZREM', job.failed, job.id)
  call('ZREM', dead, job.id)
  call('HSET', job.hash, unpack(ARGV, job.first, job.last))
  if job.handlers ~= '[]' then call('HSET', record, 'q:' .. job.queue, job.handlers) end
  call('HDEL', record, 'f:' .. job.queue)
  call('ZADD', job.pending, now, job.id)
  call('SADD', job.queues, job.list)
  call('RPUSH', job.list, job.id)
end

-- A job that RQ has lost, or that has failed for good, and whose part is not done.
local function is_stranded(job)
  if not call('ZSCORE', job.pending, job.id) then return false end
  local status = call('HGET', job.hash, 'status')
  return not status or status == 'failed'
end

-- A new hash, since one that has held a body never becomes compact again.
local function compact(record, fingerprint, log, retention)
  local left = call('PTTL', record)
  call('DEL', record)
  call('HSET', record, 's', 'done')
  call('PEXPIRE', record, left > 0 and left or retention)
  call('ZREM', log, fingerprint)
end

local function close(record, fingerprint, log, done, prefix, retention, keep, history)
  for _, field in ipairs(call('HKEYS', record)) do
    local kind = string.sub(field, 1, 2)
    if kind == 't:' or kind == 'u:' or kind == 'f:' then call('HDEL', record, field) end
  end
  call('HSET', record, 's', 'done', 'z', milliseconds())
  call('PEXPIRE', record, retention)
  call('LPUSH', done, fingerprint)
  call('PEXPIRE', done, keep)
  while call('LLEN', done) > history do
    local oldest = call('RPOP', done)
    if call('HGET', prefix .. oldest, 's') == 'done' then
      compact(prefix .. oldest, oldest, log, retention)
    end
  end
end
