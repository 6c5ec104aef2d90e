-- List what is known of deliveries, newest first.
-- KEYS  1 log
-- ARGV  1 prefix of records  2 received at most, in ms, or +inf  3 at least, or -inf  4 number
--       5 state, '' for any  6 event, '' for any  7 whether with bodies
-- Gives for each: fingerprint, then the fields and values of its record.
local found, skip = {}, 0
local function told(record)
  local fields = call('HKEYS', record)
  if ARGV[7] == '0' then
    for n = #fields, 1, -1 do if fields[n] == 'b' then table.remove(fields, n) end end
  end
  local values, words = call('HMGET', record, unpack(fields)), {}
  for n, field in ipairs(fields) do words[#words + 1] = field; words[#words + 1] = values[n] end
  return words
end
while #found < tonumber(ARGV[4]) do
  local page = call('ZREVRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[3], 'LIMIT', skip, 200)
  if #page == 0 then break end
  for _, fingerprint in ipairs(page) do
    local facts = call('HMGET', ARGV[1] .. fingerprint, 's', 'e')
    if (facts[1] and (ARGV[5] == '' or ARGV[5] == facts[1]) and (ARGV[6] == '' or ARGV[6] == facts[2]))
      and #found < tonumber(ARGV[4]) then
      found[#found + 1] = {fingerprint, told(ARGV[1] .. fingerprint)}
    end
  end
  skip = skip + #page
end
return found
