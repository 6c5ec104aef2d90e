-- Keep only the state of finished records that are beyond the history.
-- KEYS  1 log  2 done  3 ... records, the oldest last
-- ARGV  1 retention in ms  2 ... their fingerprints
-- Returns how many they were, or 0 if another process was faster, or has reset one of them.
local count = #ARGV - 1
if call('LINDEX', KEYS[2], -1) ~= ARGV[#ARGV] then return 0 end
if call('LINDEX', KEYS[2], -count) ~= ARGV[2] then return 0 end
call('RPOP', KEYS[2], count)
local trimmed = {}
for n = 1, count do
  if call('HGET', KEYS[2 + n], 's') == 'done' then
    compact(KEYS[2 + n], ARGV[1])
    trimmed[#trimmed + 1] = ARGV[1 + n]
  end
end
if #trimmed > 0 then call('ZREM', KEYS[1], unpack(trimmed)) end
return count
