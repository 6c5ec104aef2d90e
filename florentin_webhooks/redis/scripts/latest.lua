-- Let only the newest event of one entity through, one at a time.
-- KEYS  1 watermark
-- ARGV  1 timestamp in ms  2 token  3 step: begin, done or release  4 lease in ms  5 keep in ms
-- Gives {'run' | 'superseded' | 'busy', wait in ms}.
local facts, now = call('HMGET', KEYS[1], 'w', 't', 'u'), milliseconds()
local mine = facts[2] == ARGV[2]
if ARGV[3] == 'begin' then
  if facts[1] and tonumber(ARGV[1]) < tonumber(facts[1]) then return {'superseded', 0} end
  local wait = facts[2] and tonumber(facts[3]) - now or 0
  if wait > 0 and not mine then return {'busy', wait} end
  call('HSET', KEYS[1], 't', ARGV[2], 'u', now + ARGV[4])
elseif mine then
  call('HDEL', KEYS[1], 't', 'u')
  if ARGV[3] == 'done' and tonumber(ARGV[1]) > tonumber(facts[1] or 0) then
    call('HSET', KEYS[1], 'w', ARGV[1])
  end
end
if call('EXISTS', KEYS[1]) == 1 then call('PEXPIRE', KEYS[1], ARGV[5]) end
return {'run', 0}
