-- List the jobs that have failed for good, and when: the oldest first.
-- KEYS  1 dead letters
-- ARGV  1 latest time of death in ms, or +inf  2 limit
--       3 time of death of the last one of the page before  4 its id, '' for the first page
local first = ARGV[4] ~= '' and ascending(KEYS[1], ARGV[3], ARGV[4]) or 0
local count = call('ZCOUNT', KEYS[1], '-inf', ARGV[1]) - first
if count < 1 then return {} end
return call('ZRANGE', KEYS[1], first, first + math.min(count, ARGV[2]) - 1, 'WITHSCORES')
