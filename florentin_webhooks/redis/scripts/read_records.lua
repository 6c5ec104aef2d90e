-- Read those of some records that match.
-- KEYS  1 ... records
-- ARGV  1 limit  2 states between blanks, '' for any  3 event  4 delivery id, '' for any
--       5 beginning of a field that it must have: u: for a lease, w: for a next attempt, or ''
--       6 whether with bodies
-- Returns {number of records that were looked at, then for each that matches: the number of its key,
-- and its fields and values}.
local limit, states, event, id, needed = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local is_plain = states == '' and event == '' and id == ''
local found, seen = {0}, 0

-- Without a state, a refused command has ended its acceptance.
local function is_complete(fields)
  local has_state, has_needed = false, needed == ''
  for _, field in ipairs(fields) do
    if field == 's' then has_state = true end
    if string.sub(field, 1, 2) == needed then has_needed = true end
  end
  return has_state and has_needed
end

local function matches(record)
  if is_plain then return true end
  local f = call('HMGET', record, 's', 'e', 'i')
  return f[1] and (states == '' or string.find(states, ' ' .. f[1] .. ' ', 1, true))
    and (event == '' or event == f[2]) and (id == '' or id == f[3])
end

local function read_record(n, record, fields)
  if ARGV[6] == '0' then
    for at = #fields, 1, -1 do if fields[at] == 'b' then table.remove(fields, at) end end
  end
  local words = {}
  for at, value in ipairs(call('HMGET', record, unpack(fields))) do
    words[2 * at - 1], words[2 * at] = fields[at], value
  end
  found[#found + 1] = {n, words}
end

for n, record in ipairs(KEYS) do
  if #found > limit then break end
  seen = n
  if matches(record) then
    local fields = call('HKEYS', record)
    if is_complete(fields) then read_record(n, record, fields) end
  end
end
found[1] = seen
return found
