-- Record how a handler ended and move the delivery on, with the token of its lease only.
-- KEYS  1 record
-- ARGV  1 token  2 state: running, done or failed  3 handler that is done, or ''  4 lease in ms
--       5 retention in ms  6 keep in ms
-- Gives the state of the record, or 'lost' where the lease belongs to somebody else.
local call = redis.call
local facts = call('HMGET', KEYS[1], 's', 't')
-- Also the answer to a finish that was sent twice because its answer was lost.
if facts[1] == 'done' then return 'done' end
if facts[2] ~= ARGV[1] then return 'lost' end

if ARGV[2] == 'done' then
  -- A new hash, since one that has held a body never becomes compact again.
  call('DEL', KEYS[1])
  call('HSET', KEYS[1], 's', 'done')
  call('PEXPIRE', KEYS[1], ARGV[5])
  return 'done'
end

if ARGV[3] ~= '' then call('HSET', KEYS[1], 'h:' .. ARGV[3], '1') end
if ARGV[2] == 'running' then
  local clock = call('TIME')
  call('HSET', KEYS[1], 'u', clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[4])
else
  call('HSET', KEYS[1], 's', ARGV[2])
  call('HDEL', KEYS[1], 't', 'u')
  call('PEXPIRE', KEYS[1], ARGV[6])
end
return ARGV[2]
