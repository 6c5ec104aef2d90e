-- List fingerprints that the index of states may lack, the oldest first.
-- KEYS  1 log  2 how far the index has come: until which arrival (u), when it began (b), in ms, and the
--       deliveries that came late, by their arrivals
-- ARGV  1 arrival of the last one of the page before  2 that one, '' for the first page  3 limit
--       4 the latest arrival that is asked for, '' for all
-- Returns {fingerprints, joined; until which arrival the index is complete once they are in it;
-- the arrival of the last one, '' if there are no more; 1 if some came before the index began}.
local log, progress, now, limit = KEYS[1], KEYS[2], milliseconds(), tonumber(ARGV[3])
call('ZREM', progress, '')
local complete, begun = unpack(call('ZMSCORE', progress, 'u', 'b'))
-- The server's clock was set back: what it has recorded since then may be missing.
if not complete or tonumber(complete) > now - LATE then
  complete, begun = 0, now
  call('ZADD', progress, 0, 'u', now, 'b')
end

local found = {}
local late = call('ZRANGE', progress, 0, limit)
for _, key in ipairs(late) do if #key == 16 then found[#found + 1] = key end end

-- A later page of a list: what came after it began is looked at by the next list.
if #found == 0 and ARGV[4] ~= '' and tonumber(ARGV[4]) <= tonumber(complete) then
  return {'', complete, '', 0}
end

local first = ARGV[2] ~= '' and ascending(log, ARGV[1], ARGV[2])
  or call('ZCOUNT', log, '-inf', complete)
local page = call('ZRANGE', log, first, first + limit)
local is_old = page[1] and tonumber(call('ZSCORE', log, page[1])) <= tonumber(begun) and 1 or 0
local following = page[limit + 1] and call('ZSCORE', log, page[limit + 1])
page[limit + 1] = nil
local keys = table.concat(found) .. table.concat(page)
if not following then return {keys, now - LATE, #late > limit and ARGV[1] or '', is_old} end
local last = call('ZSCORE', log, page[limit])
-- Of those that came in the same millisecond some may be on the next page.
local until_last = tonumber(following) > tonumber(last) and last or last - 1
return {keys, math.min(until_last, now - LATE), last, is_old}
