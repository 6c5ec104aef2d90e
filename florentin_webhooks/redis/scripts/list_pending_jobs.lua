-- List pending jobs of a queue, the oldest first. A dead letter waits for an operator: it is listed
-- once its record has expired.
-- KEYS  1 pending jobs of the queue  2 dead letters
-- ARGV  1 latest push in ms  2 unfinished retention in ms  3 how many are looked at
--       4 time of the last one of the page before, or -inf  5 its id, or ''
-- Returns {ids between line feeds, time of the last one that was looked at, its id}; no more: ''.
local rank = ARGV[5] ~= '' and call('ZRANK', KEYS[1], ARGV[5])
local first = rank and rank + 1 or call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[4])
local count = call('ZCOUNT', KEYS[1], '-inf', ARGV[1]) - first
if count < 1 then return {'', '', ''} end
local page = call('ZRANGE', KEYS[1], first, first + math.min(count, ARGV[3]) - 1)
local died, expired = call('ZMSCORE', KEYS[2], unpack(page)), milliseconds() - ARGV[2]
local found = {}
for n, id in ipairs(page) do
  if not died[n] or tonumber(died[n]) < expired then found[#found + 1] = id end
end
local last = count > #page and page[#page]
return {table.concat(found, '\n'), last and call('ZSCORE', KEYS[1], last) or '', last or ''}
