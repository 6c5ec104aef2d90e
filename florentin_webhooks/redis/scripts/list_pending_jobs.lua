-- List pending jobs of a queue, the oldest first. A dead letter waits for an operator: it is listed
-- once its record has expired.
-- KEYS  1 pending jobs of the queue  2 dead letters
-- ARGV  1 latest push in ms  2 unfinished retention in ms  3 limit
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
