-- Idempotency guard: one holder of the lease at a time may run the label, until it has succeeded.
-- KEYS  1 record
-- ARGV  1 label  2 token  3 step: begin, done or release  4 lease in ms
--       5 queue of the part whose handlers run, '' for inline ones
-- Returns {'run' | 'done' | 'busy', wait in ms}.
local field, now = 'o:' .. ARGV[1], milliseconds()
local fields = call('HMGET', KEYS[1], 's', field, 't:' .. ARGV[5])
local state, guard, holder = fields[1], fields[2], fields[3]
if guard == 'done' or state == 'done' then return {'done', 0} end
local is_mine = guard and string.find(guard, ARGV[2] .. ':', 1, true) == 1
if ARGV[3] == 'begin' then
  -- The lease has expired and belongs to another run.
  if holder ~= ARGV[2] then return {'busy', 0} end
  local ends = guard and tonumber(string.match(guard, '%d+$')) or 0
  -- As wait_for_lease: the server's clock was set back.
  local wait = ends - now > 2 * ARGV[4] + 60000 and 0 or ends - now
  if wait > 0 and not is_mine then return {'busy', wait} end
  call('HDEL', KEYS[1], field)
  call('HSET', KEYS[1], field, ARGV[2] .. ':' .. string.format('%.0f', now + ARGV[4]))
elseif is_mine then
  call('HDEL', KEYS[1], field)
  if ARGV[3] == 'done' then call('HSET', KEYS[1], field, 'done') end
end
return {'run', 0}
