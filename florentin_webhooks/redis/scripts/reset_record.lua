-- Make a finished delivery runnable again, or discard it: then it counts as done.
-- KEYS  1 record  2 log  3 dead letters  4 done  5 jobs; then for each job RQ's results of it, and its scheduled
--       jobs; last the indexes of states, of which the first is that of failed deliveries
-- ARGV  1 mode: all or drop  2 fingerprint  3 retention in ms  4 unfinished retention in ms
--       5 the handlers that may run again, as JSON; none: all of them
--       6 the state that the operator has seen, or ''  7 number of the indexes  8 jobs
-- Returns the state before, or '' where nothing changes.
local record, fields = KEYS[1], call('HMGET', KEYS[1], 's', 'u:')
local state = fields[1]
if not state or (ARGV[6] ~= '' and ARGV[6] ~= state) then return '' end
if state == 'running' and tonumber(fields[2] or 0) > milliseconds() then return '' end
local jobs, first = jobs_from(5, 8), #KEYS - ARGV[7] + 1
local at = 6 + 4 * #jobs
for n, job in ipairs(jobs) do
  call('DEL', job.hash, KEYS[at + 2 * n - 2])
  call('LREM', job.list, 0, job.id)
  call('ZREM', job.failed, job.id)
  call('ZREM', KEYS[at + 2 * n - 1], job.id)
  call('ZREM', job.pending, job.id)
  call('ZREM', KEYS[3], job.id)
end
if ARGV[1] == 'drop' then
  for n = first, #KEYS do call('ZREM', KEYS[n], ARGV[2]) end
  compact(record, ARGV[3])
  call('ZREM', KEYS[2], ARGV[2])
elseif ARGV[1] == 'all' then
  -- Once it has finished again, it is among the newest.
  if state == 'done' then call('LREM', KEYS[4], 1, ARGV[2]) end
  add_to_index(KEYS[first], record, ARGV[2], ARGV[4])
  local handlers = cjson.decode(ARGV[5])
  local kinds = #handlers > 0 and 't:u:x:w:' or 'h:o:t:u:x:w:'
  for _, handler in ipairs(handlers) do call('HDEL', record, 'h:' .. handler) end
  for _, field in ipairs(call('HKEYS', record)) do
    local kind = string.sub(field, 1, 2)
    if string.find(kinds, kind, 1, true) then
      call('HDEL', record, field)
    end
  end
  call('HDEL', record, 'n', 'm')
  call('PEXPIRE', record, ARGV[4])
  call('HSET', record, 's', 'failed')
end
return state
