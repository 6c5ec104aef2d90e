-- List pending jobs of a queue, the oldest first. A dead letter waits for an operator: it is listed
-- once its record has expired.
-- KEYS  1 pending jobs of the queue  2 dead letters
-- ARGV  1 latest push in ms  2 unfinished retention in ms  3 how many are looked at
--       4 time of the last one of the page before  5 its id, '' for the first page
-- Returns two texts: the times and ids; those of the last one that was looked at, '' if no more.
local first = ARGV[5] ~= '' and ascending(KEYS[1], ARGV[4], ARGV[5]) or 0
local count = call('ZCOUNT', KEYS[1], '-inf', ARGV[1]) - first
if count < 1 then return {'', ''} end
local page = call('ZRANGE', KEYS[1], first, first + math.min(count, ARGV[3]) - 1, 'WITHSCORES')
local ids, found = {}, {}
for n = 1, #page / 2 do ids[n] = page[2 * n - 1] end
local died, expired = call('ZMSCORE', KEYS[2], unpack(ids)), milliseconds() - ARGV[2]
for n, id in ipairs(ids) do
  if not died[n] or tonumber(died[n]) < expired then found[#found + 1] = page[2 * n] .. ' ' .. id end
end
local last = count > #ids and page[#page] .. ' ' .. ids[#ids] or ''
return {table.concat(found, '\n'), last}
