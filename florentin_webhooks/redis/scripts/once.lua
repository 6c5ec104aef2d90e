-- Let one run at a time do what is labelled, until one has done it.
-- KEYS  1 record
-- ARGV  1 label  2 token  3 step: begin, done or release  4 lease in ms
--       5 queue of the part whose handlers run, '' for inline ones
-- Gives {'run' | 'done' | 'busy', wait in ms}.
local field, now = 'o:' .. ARGV[1], milliseconds()
local facts = call('HMGET', KEYS[1], 's', field, 't:' .. ARGV[5])
local held = facts[2]
if held == 'done' or facts[1] == 'done' then return {'done', 0} end
local mine = held and string.find(held, ARGV[2] .. ':', 1, true) == 1
if ARGV[3] == 'begin' then
  -- One who wakes up late, when somebody else has the delivery, does nothing.
  if facts[3] ~= ARGV[2] then return {'busy', 0} end
  local wait = held and tonumber(string.match(held, '%d+$')) - now or 0
  if wait > 0 and not mine then return {'busy', wait} end
  call('HSET', KEYS[1], field, ARGV[2] .. ':' .. string.format('%.0f', now + ARGV[4]))
elseif mine then
  if ARGV[3] == 'done' then call('HSET', KEYS[1], field, 'done')
  else call('HDEL', KEYS[1], field) end
end
return {'run', 0}
