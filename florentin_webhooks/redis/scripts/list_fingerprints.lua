-- List fingerprints, the newest first.
-- KEYS  1 log
-- ARGV  1 latest arrival in ms, or +inf  2 earliest, or -inf
--       3 the last one of the page before, '' for the first page  4 limit
-- Returns {fingerprints, joined: a client takes longer to read many short strings; the arrival of
-- the last one in ms, '' if there are no more}.
local log = KEYS[1]
local rank = ARGV[3] ~= '' and call('ZREVRANK', log, ARGV[3])
-- By rank, since any number of deliveries may arrive in one millisecond. Where the last one has been
-- removed, the page begins with the others of its millisecond.
local first = rank and rank + 1 or call('ZCOUNT', log, '(' .. ARGV[1], '+inf')
local page = call('ZREVRANGE', log, first, first + ARGV[4] - 1)
local count = call('ZCOUNT', log, ARGV[2], '+inf') - first
for n = #page, count + 1, -1 do page[n] = nil end
local last = count > #page and call('ZSCORE', log, page[#page]) or ''
return {table.concat(page), last}
