-- List fingerprints, the newest first.
-- KEYS  1 log
-- ARGV  1 latest arrival in ms, or +inf  2 earliest, or -inf
--       3 the last one of the page before, which came then, '' for none  4 limit
-- Returns {fingerprints, joined: a client takes longer to read many short strings; the arrival of
-- the last one in ms, '' if there are no more}.
local log = KEYS[1]
local first = ARGV[3] ~= '' and descending(log, ARGV[1], ARGV[3])
  or call('ZCOUNT', log, '(' .. ARGV[1], '+inf')
local page = call('ZREVRANGE', log, first, first + ARGV[4] - 1)
local count = call('ZCOUNT', log, ARGV[2], '+inf') - first
for n = #page, count + 1, -1 do page[n] = nil end
local last = count > #page and call('ZSCORE', log, page[#page]) or ''
return {table.concat(page), last}
