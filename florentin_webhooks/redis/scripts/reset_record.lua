-- Make a finished delivery runnable again, or discard it: then it counts as done.
-- KEYS  1 record  2 log  3 dead letters  4 done  5 jobs; then for each job RQ's results of it, and its
--       scheduled jobs; last the indexes of states, of which the first is that of failed deliveries
-- ARGV  1 mode: all or drop  2 fingerprint  3 retention in ms  4 unfinished retention in ms
--       5 the handlers that may run again, as JSON; none: all of them
--       6 number of the indexes  7 jobs
-- Returns the state before, or ''.
local record, state = KEYS[1], call('HGET', KEYS[1], 's')
if not state or state == 'running' then return state or '' end
local jobs, first = jobs_from(5, 7), #KEYS - ARGV[6] + 1
-- It may end again: twice in the history, it would lose its body with its first place there.
if state == 'done' then call('LREM', KEYS[4], 1, ARGV[2]) end
if ARGV[1] == 'drop' or ARGV[1] == 'all' then
  local at = 6 + 4 * #jobs
  for n, job in ipairs(jobs) do
    call('DEL', job.hash, KEYS[at + 2 * n - 2])
    call('LREM', job.list, 0, job.id)
    call('ZREM', job.failed, job.id)
    call('ZREM', KEYS[at + 2 * n - 1], job.id)
    call('ZREM', job.pending, job.id)
    call('ZREM', KEYS[3], job.id)
  end
end
if ARGV[1] == 'drop' then
  for n = first, #KEYS do call('ZREM', KEYS[n], ARGV[2]) end
  compact(record, ARGV[3])
  call('ZREM', KEYS[2], ARGV[2])
elseif ARGV[1] == 'all' then
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
