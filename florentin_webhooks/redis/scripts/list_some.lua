-- List some of the log, or of an index of states, from a part of it on.
-- KEYS  1 the log or an index
-- ARGV  1 where to begin, from 0 to 1  2 limit
-- Returns the fingerprints, joined.
local first = math.floor(call('ZCARD', KEYS[1]) * ARGV[1])
return table.concat(call('ZRANGE', KEYS[1], first, first + ARGV[2] - 1))
