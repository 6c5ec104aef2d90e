-- List the jobs that have failed for good, and when: the oldest first.
-- KEYS  1 dead letters
-- ARGV  1 latest time of death in ms, or +inf  2 limit
--       3 time of death of the last one of the page before, or -inf  4 its id, or ''
local rank = ARGV[4] ~= '' and call('ZRANK', KEYS[1], ARGV[4])
local first = rank and rank + 1 or call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[3])
local count = call('ZCOUNT', KEYS[1], '-inf', ARGV[1]) - first
if count < 1 then return {} end
return call('ZRANGE', KEYS[1], first, first + math.min(count, ARGV[2]) - 1, 'WITHSCORES')
