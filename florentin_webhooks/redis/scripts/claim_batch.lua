-- Claim jobs at the head of a queue that have never begun, in their order. Sent again it changes
-- nothing, and returns the same jobs.
-- A claimed job has an entry (its id and the execution) among RQ's jobs in progress, and until it begins
-- among the claimed jobs, by the time at which it is returned. That ends the lease of its part, which
-- lasts longer.
-- KEYS  1 list of the queue  2 its intermediate list  3 RQ's jobs in progress  4 pending jobs
--       5 claimed jobs  6 workers of the queue
--       7 for each candidate: its record, RQ's hash, its execution, and RQ's executions of the job
-- ARGV  1 token  2 queue  3 execution  4 worker  5 number of jobs
--       6 lease in ms, and until the first jobs are returned  7 until the others are
--       8 time as RQ writes it  9 the same in seconds  10 end of an entry of RQ's  11 its lifetime
--       12 timeout  13 data of a job before its fingerprint  14 and after it
--       15 key ids of the receiver  16 owner  17 whether the only candidate is popped already
--       18 number of first jobs  19 ids of the candidates
-- Returns {lengths, fields, candidates of the next call, entries of jobs to be returned, ms until
-- the next one is or -1}. Few long strings: a client takes longer to read many short ones. For
-- each job there are 6 fields, joined: id, retries left, body, arrival, handlers, RQ's meta; and their
-- lengths. Words are joined by blanks.
local token, queue, execution = ARGV[1], ARGV[2], ARGV[3]
local lease, attempts, handlers = 't:' .. queue, 'x:' .. queue, 'q:' .. queue
local is_popped, now, jobs, lengths = ARGV[17] == '1', milliseconds(), {}, {}
local new, listed, pending = {}, {}, {}

-- Returns the job, whether it is claimed already, and its owner. All others go RQ's way, one by one:
-- retries, jobs of other programs, held, dead and lost ones.
local function read_candidate(at, id)
  local f = call('HMGET', KEYS[at], 's', lease, attempts, 'm', 'p', 'b', 'd', handlers)
  if f[1] ~= 'queued' or f[2] and f[2] ~= token or f[3] or (f[4] or '0') ~= '0' then return end
  if not is_ours(f[5], ARGV[15], true) then return end
  local job = call('HMGET', KEYS[at + 1], 'data', 'timeout', 'status', 'retries_left',
    'meta')
  if job[1] ~= ARGV[13] .. string.sub(id, 1, 32) .. ARGV[14] or job[2] ~= ARGV[12] then return end
  if job[3] ~= (f[2] and 'started' or 'queued') then return end
  return {id, job[4] or '0', f[6] or '', arrival_of(KEYS[at], f[7]), f[8] or '[]', job[5] or ''},
    f[2] == token, f[5]
end

local function pop()
  if is_popped then return call('LREM', KEYS[2], 1, new[1].id) == 1 end
  return call('LPOP', KEYS[1], #new)
end

-- The entries come before the status: a job without them that counts as started is lost for good.
local function add_entries(first)
  local claimed, started = {}, {}
  for n, job in ipairs(new) do
    local entry, order = job.id .. ':' .. execution, first + n - 1
    local lease = order < tonumber(ARGV[18]) and ARGV[6] or ARGV[7]
    claimed[2 * n - 1], claimed[2 * n] = now + lease + order / 1000, entry
    started[2 * n - 1], started[2 * n] = ARGV[10], entry
  end
  call('ZADD', KEYS[5], unpack(claimed))
  call('ZADD', KEYS[3], unpack(started))
end

local function claim(at, owner)
  call('HSET', KEYS[at], lease, token, 'u:' .. queue, now + ARGV[6])
  if owner ~= ARGV[16] then call('HSET', KEYS[at], 'p', ARGV[16]) end
  call('HSET', KEYS[at + 1], 'status', 'started', 'started_at', ARGV[8], 'last_heartbeat', ARGV[8],
    'worker_name', ARGV[4])
  -- RQ takes the ids of an execution from its key.
  call('HSET', KEYS[at + 2], 'created_at', ARGV[9], 'last_heartbeat', ARGV[9],
    'worker_name', ARGV[4])
  call('EXPIRE', KEYS[at + 2], ARGV[11])
  call('ZADD', KEYS[at + 3], ARGV[10] + 60, execution)
  call('EXPIRE', KEYS[at + 3], ARGV[11] + 60)
end

-- Each worker of the queue gets its share of what waits.
local workers = math.max(1, call('SCARD', KEYS[6]))
local most = math.min(tonumber(ARGV[5]), math.ceil(call('LLEN', KEYS[1]) / workers))
if is_popped then most = 1 end
if #ARGV > 18 then
  pending = call('ZMSCORE', KEYS[4], unpack(ARGV, 19))
  listed = is_popped and {ARGV[19]} or call('LRANGE', KEYS[1], 0, #ARGV - 19)
end
for n = 19, #ARGV do
  local id, at = ARGV[n], 7 + 4 * (n - 19)
  if not pending[n - 18] then break end
  local job, is_mine, owner = read_candidate(at, id)
  if not job then break end
  if not is_mine then
    if #jobs >= most or listed[#new + 1] ~= id then break end
    new[#new + 1] = {id = id, at = at, owner = owner}
  else
    -- Sent again: WAIT waits for what its own connection has written.
    call('HSET', KEYS[at], lease, token)
  end
  for _, field in ipairs(job) do lengths[#lengths + 1] = #field end
  jobs[#jobs + 1] = table.concat(job)
end
if #new > 0 and pop() then
  add_entries(#jobs - #new)
  for _, job in ipairs(new) do claim(job.at, job.owner) end
elseif #new > 0 then
  jobs, lengths = {}, {}
end

local first = call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')
local expired = call('ZRANGEBYSCORE', KEYS[5], '-inf', now, 'LIMIT', 0, 100)
local candidates = call('LRANGE', KEYS[1], 0, 2 * ARGV[5] - 1)
return {table.concat(lengths, ' '), table.concat(jobs), table.concat(candidates, ' '),
  table.concat(expired, ' '),
  first[2] and math.max(0, first[2] - now) or -1}
