-- Return claimed jobs that have not begun to the head of their queue, in their order: those of one
-- batch, or those whose time is over. No attempt is used.
-- KEYS  1 list of the queue  2 RQ's jobs in progress  3 claimed jobs
--       4 for each job: its record, RQ's hash, its execution, and RQ's executions of the job
-- ARGV  1 token of the batch, '' for those whose time is over  2 queue  3 entries of the jobs
-- Returns the number of jobs that were returned.
local token, queue, now, returned = ARGV[1], ARGV[2], milliseconds(), 0

-- The token of a batch is the first half of its execution, whose digits are hex.
local function token_of(entry)
  local digits = string.sub(string.match(entry, '[^:]*$'), 1, 16)
  return (string.gsub(digits, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end

-- Another run may have the part by now.
local function release_part(record, entry)
  local f = call('HMGET', record, 't:' .. queue, 'u:' .. queue)
  if f[1] and f[1] ~= token_of(entry) and tonumber(f[2] or 0) > now then return false end
  call('HDEL', record, 't:' .. queue, 'u:' .. queue)
  return true
end

for n = #ARGV, 3, -1 do
  local entry, at = ARGV[n], 4 + 4 * (n - 3)
  local returns_at = call('ZSCORE', KEYS[3], entry)
  if returns_at and (token ~= '' or tonumber(returns_at) <= now) then
    call('ZREM', KEYS[3], entry)
    local is_started = call('ZREM', KEYS[2], entry) == 1
      and call('HGET', KEYS[at + 1], 'status') == 'started'
    if is_started and release_part(KEYS[at], entry) then
      call('HSET', KEYS[at + 1], 'status', 'queued')
      call('HDEL', KEYS[at + 1], 'started_at', 'worker_name')
      call('LPUSH', KEYS[1], string.match(entry, '^(.*):'))
      returned = returned + 1
    end
    call('DEL', KEYS[at + 2], KEYS[at + 3])
  end
end
return returned
