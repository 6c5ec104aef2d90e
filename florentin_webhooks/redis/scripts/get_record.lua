-- Return the fingerprint and all fields of one record, or of the first delivery that it leads to.
-- KEYS  1 record
-- ARGV  1 fingerprint  2 whether it may lead to another one
-- Returns {fingerprint, fields and values}; without these for a first delivery, whose key the caller
-- must name.
local first = ARGV[2] == '1' and call('HGET', KEYS[1], 'o')
if first then return {first} end
return {ARGV[1], call('HGETALL', KEYS[1])}
