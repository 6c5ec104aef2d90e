-- Return the fingerprint and all fields of one record, or of the first delivery that it leads to.
-- KEYS  1 record
-- ARGV  1 prefix of records  2 fingerprint
local first = call('HGET', KEYS[1], 'o')
if first then return {first, call('HGETALL', ARGV[1] .. first)} end
return {ARGV[2], call('HGETALL', KEYS[1])}
