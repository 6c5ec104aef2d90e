-- List records, the newest first.
-- KEYS  1 log
-- ARGV  1 prefix of records  2 latest arrival in ms, or +inf  3 earliest, or -inf  4 limit
--       5 states between blanks, '' for any  6 event, '' for any  7 whether with bodies
-- Returns for each: fingerprint, then the fields and values of its record.
local found, skip = {}, 0
local function read_record(record)
  local fields = call('HKEYS', record)
  if ARGV[7] == '0' then
    for n = #fields, 1, -1 do if fields[n] == 'b' then table.remove(fields, n) end end
  end
  local values, words = call('HMGET', record, unpack(fields)), {}
  for n, field in ipairs(fields) do words[#words + 1] = field; words[#words + 1] = values[n] end
  return words
end
local function matches(record)
  local fields = call('HMGET', record, 's', 'e')
  return fields[1] and (ARGV[5] == '' or string.find(ARGV[5], ' ' .. fields[1] .. ' ', 1, true))
    and (ARGV[6] == '' or ARGV[6] == fields[2])
end
while #found < tonumber(ARGV[4]) do
  local page = call('ZREVRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[3], 'LIMIT', skip, 200)
  if #page == 0 then break end
  for _, fingerprint in ipairs(page) do
    if matches(ARGV[1] .. fingerprint) and #found < tonumber(ARGV[4]) then
      found[#found + 1] = {fingerprint, read_record(ARGV[1] .. fingerprint)}
    end
  end
  skip = skip + #page
end
return found
