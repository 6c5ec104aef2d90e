-- Give the jobs of a queue that have been waiting for some time, the oldest first. One that has
-- failed for good waits for a person: it is given once its record has expired.
-- KEYS  1 pending jobs of the queue  2 dead jobs
-- ARGV  1 pushed at most, in ms  2 keep in ms  3 number
local found, skip, expired = {}, 0, milliseconds() - ARGV[2]
while #found < tonumber(ARGV[3]) do
  local page = call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', skip, 1000)
  if #page == 0 then break end
  local died = call('ZMSCORE', KEYS[2], unpack(page))
  for n, id in ipairs(page) do
    if not died[n] or tonumber(died[n]) < expired then found[#found + 1] = id end
  end
  skip = skip + #page
end
return found
