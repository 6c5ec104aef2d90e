-- List what is in indexes of states, the newest first.
-- KEYS  the indexes
-- ARGV  1 latest arrival in ms, or +inf  2 earliest, or -inf
--       3 the last fingerprint of the page before, which came then, '' for none  4 limit
-- Returns for each index three words: fingerprints, joined; their arrivals between blanks; and 1 if
-- there are more.
local earliest, limit, found = tonumber(ARGV[2]), tonumber(ARGV[4]), {}
for _, index in ipairs(KEYS) do
  local first = ARGV[3] ~= '' and descending(index, ARGV[1], ARGV[3])
    or call('ZCOUNT', index, '(' .. ARGV[1], '+inf')
  local page = call('ZREVRANGE', index, first, first + limit, 'WITHSCORES')
  local keys, arrivals, more = {}, {}, 0
  for n = 1, #page / 2 do
    if earliest and tonumber(page[2 * n]) < earliest then break end
    if n > limit then more = 1 break end
    keys[n], arrivals[n] = page[2 * n - 1], page[2 * n]
  end
  found[#found + 1] = table.concat(keys)
  found[#found + 1] = table.concat(arrivals, ' ')
  found[#found + 1] = more
end
return found
