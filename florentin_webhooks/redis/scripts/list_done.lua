-- List the finished deliveries that keep their fields, if they are not many.
-- KEYS  1 done
-- ARGV  1 most
-- Returns {whether they are all of them, their fingerprints, joined}.
if call('LLEN', KEYS[1]) > tonumber(ARGV[1]) then return {0, ''} end
return {1, table.concat(call('LRANGE', KEYS[1], 0, -1))}
