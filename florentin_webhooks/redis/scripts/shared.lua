-- What several scripts do: time, the jobs of a delivery, and closing a record.
local call = redis.call

local function milliseconds()
  local clock = call('TIME')
  return clock[1] * 1000 + math.floor(clock[2] / 1000)
end

-- The jobs stand at the end of KEYS (the set of queues, then four keys for each job) and of ARGV
-- (their number, then for each: id, queue, names of its handlers, and its fields and values as JSON,
-- since one long argument costs a client less than forty short ones).
local function jobs_from(key, at)
  local jobs, queues = {}, KEYS[key]
  local count = tonumber(ARGV[at])
  at = at + 1
  for n = 1, count do
    jobs[n] = {
      id = ARGV[at], queue = ARGV[at + 1], handlers = ARGV[at + 2],
      words = ARGV[at + 3], queues = queues,
      hash = KEYS[key + 1], list = KEYS[key + 2], failed = KEYS[key + 3], pending = KEYS[key + 4],
    }
    key, at = key + 4, at + 4
  end
  return jobs
end

-- Parts that have failed for good are counted in the record, which is dead while there is one, and
-- kept for some time only once no other part is open.
local function stand(record, keep)
  local parts = call('HMGET', record, 'm', 'n')
  local dead, open = tonumber(parts[1] or 0), tonumber(parts[2] or 0)
  call('HSET', record, 's', dead > 0 and 'dead' or 'queued')
  if dead > 0 and dead >= open then call('PEXPIRE', record, keep) else call('PERSIST', record) end
end

local function bury(record, dead, id, now)
  if call('ZADD', dead, 'NX', now, id) == 1 then call('HINCRBY', record, 'm', 1) end
end

local function revive(record, dead, id)
  if call('ZREM', dead, id) == 1 then call('HINCRBY', record, 'm', -1) end
end

-- A job without handlers stands for those that its part was queued for.
local function push(job, record, dead, now)
  call('DEL', job.hash)
  call('ZREM', job.failed, job.id)
  revive(record, dead, job.id)
  call('HSET', job.hash, unpack(cjson.decode(job.words)))
  if job.handlers ~= '[]' then call('HSET', record, 'q:' .. job.queue, job.handlers) end
  call('HDEL', record, 'f:' .. job.queue)
  call('ZADD', job.pending, now, job.id)
  call('SADD', job.queues, job.list)
  call('RPUSH', job.list, job.id)
end

-- RQ will not run these again by itself, whoever ended them.
local function has_failed(status)
  return status == 'failed' or status == 'stopped' or status == 'canceled'
end

-- A job that RQ has lost, or that has failed for good, and whose part is not done.
local function is_stranded(job)
  if not call('ZSCORE', job.pending, job.id) then return false end
  local status = call('HGET', job.hash, 'status')
  return not status or has_failed(status)
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
