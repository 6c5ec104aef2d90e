-- Read those of some records that match.
-- KEYS  1 ... records; then indexes of states, which lose those that have left the state
-- ARGV  1 limit  2 states between blanks, '' for any  3 event  4 delivery id, '' for any
--       5 beginning of a field that it must have: u: for a lease, w: for a next attempt, or ''
--       6 whether with bodies  7 ... for each index the states in it between blanks, or the beginning of
--       a field that its records have
-- Returns {number of records that were looked at, how many have left an index; then for each that
-- matches: the number of its key, and its fields and values}.
local limit, states, event, id, needed = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local found, seen, removed, records = {}, 0, 0, #KEYS - (#ARGV - 6)

-- Without a state, a refused command has ended the acceptance.
local function has_state(state)
  return state and (states == '' or string.find(states, ' ' .. state .. ' ', 1, true))
end

-- Most records do not even contain the event: to look for it takes a tenth of the pattern's time.
local function has_names(record)
  local arrival = arrival_of(record, call('HGET', record, 'd'))
  if not string.find(arrival, event, 1, true) then return false end
  local size, secret, at = string.match(arrival, '^%d+ (%d+) (%d+) %x* ()')
  if not at then return false end
  local ends = at + size
  return (event == '' or event == string.sub(arrival, at, ends - 1))
    and (id == '' or id == string.sub(arrival, ends + secret))
end

-- Returns whether a record matches, and whether it has one of the states, as far as that was asked.
local function matches(record)
  if (event ~= '' or id ~= '') and not has_names(record) then return false, true end
  if not has_state(call('HGET', record, 's')) then return false, false end
  local has_needed = needed == '' or has_field(record, needed)
  return has_needed, has_needed
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

local function is_indexed(record, kind)
  if string.sub(kind, 1, 1) ~= ' ' then return has_field(record, kind) end
  local state = call('HGET', record, 's')
  return state and string.find(kind, ' ' .. state .. ' ', 1, true)
end

local function tidy_indexes(record)
  for n = 7, #ARGV do
    if not is_indexed(record, ARGV[n]) then
      removed = removed + call('ZREM', KEYS[records + n - 6], string.sub(record, -16))
    end
  end
end

for n = 1, records do
  if #found == limit then break end
  seen = n
  local is_wanted, is_in_state = matches(KEYS[n])
  if is_wanted then read_record(n, KEYS[n]) elseif not is_in_state then tidy_indexes(KEYS[n]) end
end
return {seen, removed, unpack(found)}
