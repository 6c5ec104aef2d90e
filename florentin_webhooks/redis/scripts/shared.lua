-- Shared by most scripts, after base.lua and parts.lua: the jobs of a delivery, and their leases.

-- Jobs come last in KEYS (the hash of each job, the set of queues, then three keys for each job) and
-- in ARGV (their number, then for each: id, queue, the fields and values of its hash, and those that
-- its part has in the record: the names of its handlers and its owner, an import path and key ids
-- between blanks). Fields and values are MessagePack, since one long argument costs a client less
-- than forty short ones, and the server decodes JSON three times as long.
local function jobs_from(key, at)
  local jobs, count = {}, tonumber(ARGV[at])
  local queues = KEYS[key + count]
  at = at + 1
  for n = 1, count do
    local others = key + count + 3 * n - 2
    jobs[n] = {
      id = ARGV[at], queue = ARGV[at + 1], fields = ARGV[at + 2], part = ARGV[at + 3],
      queues = queues, hash = KEYS[key + n - 1],
      list = KEYS[others], failed = KEYS[others + 1], pending = KEYS[others + 2],
    }
    at = at + 4
  end
  return jobs
end

-- Returns the rest of a lease in *field* of *key*, in ms. One that lasts much longer than *lease* was
-- taken before the server's clock was set back: from now on it has that time.
local function wait_for_lease(key, field, ends, now, lease)
  local wait = tonumber(ends or 0) - now
  if wait <= 2 * lease + 60000 then return wait end
  call('HSET', key, field, now + lease)
  return tonumber(lease)
end

-- The first HINCRBY changes nothing: if it is refused, the dead letter and its count stay as they are.
-- A dead letter that the record does not count is of an earlier delivery with the same fingerprint.
local function mark_dead(record, dead, id, now)
  if call('HINCRBY', record, 'm', 0) > 0 and call('ZSCORE', dead, id) then return end
  call('ZADD', dead, now, id)
  call('HINCRBY', record, 'm', 1)
end

-- Returns what a record has of its arrival: *packed*, or what versions before 0.2 had in five fields.
-- See pack_arrival.
local function arrival_of(record, packed)
  if packed then return packed end
  local f = call('HMGET', record, 'r', 'e', 'k', 'g', 'i')
  if not f[1] then return '' end
  local event, secret = f[2] or '', f[3] or ''
  return table.concat({f[1], #event, #secret, f[4] or '', event .. secret .. (f[5] or '')}, ' ')
end

-- Operators find a complete record by its state. What has run counts, also where this is refused.
local function add_to_index(index, record, fingerprint, unfinished_retention)
  local received = string.match(arrival_of(record, call('HGET', record, 'd')), '^%d+')
  if not received then return end
  redis.pcall('ZADD', index, received, fingerprint)
  redis.pcall('PEXPIRE', index, 2 * unfinished_retention)
end

-- A job whose record is gone: it was evicted or flushed, or lost in a fail-over.
local function mark_lost(lost, id, lifetime)
  local now = milliseconds()
  call('ZADD', lost, 'NX', now, id)
  call('ZREMRANGEBYSCORE', lost, '-inf', now - lifetime)
  call('PEXPIRE', lost, lifetime)
end

-- A job without handler names keeps those that its part was queued for. Without its hash, which
-- comes last, the job counts as lost, and is pushed again.
local function push(job, record, dead, now)
  call('DEL', job.hash)
  call('ZREM', job.failed, job.id)
  call('ZADD', job.pending, now, job.id)
  call('SADD', job.queues, job.list)
  call('RPUSH', job.list, job.id)
  unmark_dead(record, dead, job.id)
  call('HDEL', record, 'f:' .. job.queue, 'y:' .. job.queue, 'w:' .. job.queue)
  call('HSET', job.hash, cmsgpack.unpack(job.fields))
  if job.part ~= '' then call('HSET', record, cmsgpack.unpack(job.part)) end
end

-- Whether a receiver may run the jobs of *owner*: they share a key id. Versions before 0.2 recorded
-- no owner: then it may if the job names its import path.
local function is_ours(owner, key_ids, is_path_ours)
  if not owner or owner == '' then return is_path_ours end
  for id in string.gmatch(key_ids, '%x+') do
    if string.find(owner, ' ' .. id, 1, true) then return true end
  end
  return false
end

-- RQ does not run these again by itself.
local function has_failed(status)
  return status == 'failed' or status == 'stopped' or status == 'canceled'
end

-- Whether a pending job was lost by RQ, or has failed for good.
local function is_stranded(job)
  if not call('ZSCORE', job.pending, job.id) then return false end
  local status = call('HGET', job.hash, 'status')
  return not status or has_failed(status)
end

-- All parts of a record are done: it needs no reasons and waits any more. They have known names where
-- *queue* has its only part; to read all names takes three times as long. Tokens and leases, which
-- mean nothing from now on, stay as long as its body does.
-- Returns what remember_done does.
local function complete(record, fingerprint, done, log, now, queue)
  call('HSET', record, 's', 'done', 'z', now)
  if queue then
    call('HDEL', record, 'f:', 'w:', 'f:' .. queue, 'w:' .. queue)
    return remember_done(record, fingerprint, done, log)
  end
  local fields = {}
  for _, field in ipairs(call('HKEYS', record)) do
    local kind = string.sub(field, 1, 2)
    if kind == 'f:' or kind == 'w:' then fields[#fields + 1] = field end
  end
  if #fields > 0 then call('HDEL', record, unpack(fields)) end
  return remember_done(record, fingerprint, done, log)
end
