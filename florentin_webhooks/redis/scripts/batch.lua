-- Shared by the scripts of batches, whose jobs a worker claims together and begins one by one.
-- A claimed job has an entry (its id and the worker's execution) among RQ's jobs in progress, and
-- until it begins among the claimed jobs, by the time at which its lease expires.

-- Lease a part until *ends*.
local function lease_part(record, queue, token, ends)
  call('HSET', record, 't:' .. queue, token, 'u:' .. queue, ends)
end

-- A job that is soon to begin has a lease for all the time that its handlers have.
-- Of jobs that are claimed together, *order* keeps their order.
local function promote_part(record, queue, token, entry, claimed, ends, order)
  lease_part(record, queue, token, ends)
  call('ZADD', claimed, ends + order / 1000, entry)
end

-- From now on a worker that dies has used an attempt, and RQ recovers the job. Counts once, or also if
-- ZREM is refused: its handlers run nevertheless, and no batch may claim a job whose handlers ran.
local function begin_part(record, queue, token, entry, claimed, worker)
  local removed = redis.pcall('ZREM', claimed, entry)
  if removed ~= 0 and call('HGET', record, 't:' .. queue) == token then
    call('HINCRBY', record, 'x:' .. queue, 1)
  end
  call('SADD', worker, entry)
end
