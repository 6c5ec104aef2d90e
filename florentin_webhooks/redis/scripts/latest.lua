-- Run only the newest event of one entity, one at a time.
-- KEYS  1 high-water mark  2 ... those of the same entity under other key ids
-- ARGV  1 timestamp in ms  2 token  3 step: begin, done or release  4 lease in ms
--       5 unfinished retention in ms
-- Returns {'run' | 'superseded' | 'busy', wait in ms}.
local fields, now = call('HMGET', KEYS[1], 'w', 't', 'u'), milliseconds()
local mark, holder, lease_expires_at = fields[1], fields[2], fields[3]
local is_mine = holder == ARGV[2]
if ARGV[3] == 'begin' then
  local newest = tonumber(mark or -1)
  for n = 2, #KEYS do newest = math.max(newest, tonumber(call('HGET', KEYS[n], 'w') or -1)) end
  if tonumber(ARGV[1]) < newest then return {'superseded', 0} end
  local wait = holder and wait_for_lease(KEYS[1], 'u', lease_expires_at, now, ARGV[4]) or 0
  if wait > 0 and not is_mine then return {'busy', wait} end
  call('HDEL', KEYS[1], 't', 'u')
  call('HSET', KEYS[1], 't', ARGV[2], 'u', now + ARGV[4])
elseif is_mine then
  call('HDEL', KEYS[1], 't', 'u')
  if ARGV[3] == 'done' and tonumber(ARGV[1]) > tonumber(mark or 0) then
    call('HSET', KEYS[1], 'w', ARGV[1])
  end
end
if call('EXISTS', KEYS[1]) == 1 then call('PEXPIRE', KEYS[1], ARGV[5]) end
return {'run', 0}
