-- Take the lease of one queue's part of a delivery.
-- KEYS  1 record  2 pending jobs of the queue  3 dead jobs
-- ARGV  1 token  2 queue  3 job id  4 lease in ms  5 keep in ms
-- Gives {verdict, wait in ms, attempt, body, delivery id, received in ms, secret, handlers that the
-- delivery was queued for, handlers done ...}.
local record, queue = KEYS[1], ARGV[2]
local facts = call('HMGET', record, 's', 't:' .. queue, 'u:' .. queue)
if not facts[1] then
  call('ZREM', KEYS[2], ARGV[3])
  call('ZREM', KEYS[3], ARGV[3])
  return {'gone', 0}
end
-- A job that was pushed twice, or by hand, finds that its part has been done.
if facts[1] == 'done' or not call('ZSCORE', KEYS[2], ARGV[3]) then return {'done', 0} end

local now = milliseconds()
local wait = tonumber(facts[3] or 0) - now
if facts[2] and facts[2] ~= ARGV[1] and wait > 0 then return {'busy', wait} end
local attempt = facts[2] == ARGV[1] and tonumber(call('HGET', record, 'x:' .. queue))
  or call('HINCRBY', record, 'x:' .. queue, 1)
call('HSET', record, 't:' .. queue, ARGV[1], 'u:' .. queue, now + ARGV[4])
-- Somebody may have had RQ requeue a job that had failed for good.
revive(record, KEYS[3], ARGV[3])
stand(record, ARGV[5])

local told = call('HMGET', record, 'b', 'i', 'r', 'k', 'q:' .. queue)
local answer = {'run', 0, attempt, told[1] or '', told[2] or '', told[3] or '0', told[4] or '',
  told[5] or ''}
for _, field in ipairs(call('HKEYS', record)) do
  if string.sub(field, 1, 2) == 'h:' then answer[#answer + 1] = string.sub(field, 3) end
end
return answer
