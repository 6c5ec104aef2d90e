-- Shared by the scripts that look at what a record has.

-- Whether a record has a field that begins with *prefix*, such as u: for a lease.
local function has_field(record, prefix)
  local cursor = '0'
  repeat
    local page = call('HSCAN', record, cursor, 'MATCH', prefix .. '*', 'COUNT', 100)
    if #page[2] > 0 then return true end
    cursor = page[1]
  until cursor == '0'
  return false
end
