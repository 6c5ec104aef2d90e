-- Read those of some records that match.
-- KEYS  1 ... records
-- ARGV  1 limit  2 states between blanks, '' for any  3 event  4 delivery id, '' for any
--       5 beginning of a field that it must have: u: for a lease, w: for a next attempt, or ''
--       6 whether with bodies
-- Returns {number of records that were looked at, then for each that matches: the number of its key,
-- and its fields and values}.
local limit, states, event, id, needed = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local found, seen = {0}, 0

local function has_field(record)
  local cursor = '0'
  repeat
    local page = call('HSCAN', record, cursor, 'MATCH', needed .. '*', 'COUNT', 100)
    if #page[2] > 0 then return true end
    cursor = page[1]
  until cursor == '0'
  return false
end

-- Most records fail at the first condition. Without a state, a refused command has ended the
-- acceptance.
local function matches(record)
  local state = call('HGET', record, 's')
  if not state or states ~= '' and not string.find(states, ' ' .. state .. ' ', 1, true) then
    return false
  end
  if event ~= '' or id ~= '' then
    local f = call('HMGET', record, 'e', 'i')
    if event ~= '' and event ~= f[1] or id ~= '' and id ~= f[2] then return false end
  end
  return needed == '' or has_field(record)
end

local function read_record(n, record)
  local fields = call('HKEYS', record)
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
  if matches(record) then read_record(n, record) end
end
found[1] = seen
return found
