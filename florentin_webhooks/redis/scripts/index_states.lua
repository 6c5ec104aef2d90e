-- Add deliveries to the index of states: those that are in none of the states that most have.
-- KEYS  1 how far the index has come, and what came late  2 failed or running  3 stale  4 invalid
--       5 dead  6 scheduled  7 ... records
-- ARGV  1 until which arrival the index is then complete, '' for a delivery that it has passed
--       2 whether queued ones may be scheduled: finish.lua adds them, those of earlier versions did not
--       3 lifetime of the index in ms
local sets = {running = KEYS[2], failed = KEYS[2], stale = KEYS[3], invalid = KEYS[4], dead = KEYS[5]}
local complete = tonumber(call('ZSCORE', KEYS[1], 'u') or -1)

local function find_set(record)
  local state = call('HGET', record, 's')
  if state == 'queued' and ARGV[2] == '1' and has_field(record, 'w:') then return KEYS[6] end
  return sets[state]
end

local fingerprints = {}
for n = 7, #KEYS do fingerprints[n - 6] = string.sub(KEYS[n], -16) end
call('ZREM', KEYS[1], unpack(fingerprints))
for n = 7, #KEYS do
  local set = find_set(KEYS[n])
  local arrival = set and arrival_of(KEYS[n], call('HGET', KEYS[n], 'd'))
  arrival = arrival and tonumber(string.match(arrival, '^%d+'))
  if arrival and (ARGV[1] ~= '' or arrival <= complete) then
    call('ZADD', set, arrival, fingerprints[n - 6])
  end
end
for n = 2, 6 do call('PEXPIRE', KEYS[n], ARGV[3]) end
if ARGV[1] ~= '' and tonumber(ARGV[1]) > complete then
  call('ZADD', KEYS[1], ARGV[1], 'u')
  call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0
