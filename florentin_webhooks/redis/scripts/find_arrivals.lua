-- Find the arrivals of deliveries.
-- KEYS  1 log
-- ARGV  1 fingerprints, joined
-- Returns their arrivals in ms between blanks, -1 for one that is not in the log.
local keys = {}
for n = 1, #ARGV[1] / 16 do keys[n] = string.sub(ARGV[1], 16 * n - 15, 16 * n) end
local arrivals = call('ZMSCORE', KEYS[1], unpack(keys))
for n = 1, #keys do arrivals[n] = arrivals[n] or '-1' end
return table.concat(arrivals, ' ')
