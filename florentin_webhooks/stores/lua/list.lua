-- List what is known of deliveries, newest first.
-- KEYS  1 log
-- ARGV  1 prefix of records  2 received at most, in ms, or +inf  3 at least, or -inf  4 number
--       5 state, '' for any  6 event, '' for any
-- Gives for each: fingerprint, then the fields and values of its record.
local found, skip = {}, 0
while #found < tonumber(ARGV[4]) do
  local page = call('ZREVRANGEBYSCORE', KEYS[1], ARGV[2], ARGV[3], 'LIMIT', skip, 200)
  if #page == 0 then break end
  for _, fingerprint in ipairs(page) do
    local facts = call('HMGET', ARGV[1] .. fingerprint, 's', 'e')
    if (facts[1] and (ARGV[5] == '' or ARGV[5] == facts[1]) and (ARGV[6] == '' or ARGV[6] == facts[2]))
      and #found < tonumber(ARGV[4]) then
      found[#found + 1] = {fingerprint, call('HGETALL', ARGV[1] .. fingerprint)}
    end
  end
  skip = skip + #page
end
return found
