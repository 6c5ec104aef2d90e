-- Find fingerprints by a prefix, the newest first.
-- KEYS  1 log
-- ARGV  1 hex digits  2 limit
local found, skip = {}, 0
local function to_hex(byte) return string.format('%02x', string.byte(byte)) end
while #found < tonumber(ARGV[2]) do
  local page = call('ZREVRANGE', KEYS[1], skip, skip + 999)
  if #page == 0 then break end
  for _, fingerprint in ipairs(page) do
    local hex = string.gsub(fingerprint, '.', to_hex)
    if string.sub(hex, 1, #ARGV[1]) == ARGV[1] and #found < tonumber(ARGV[2]) then
      found[#found + 1] = fingerprint
    end
  end
  skip = skip + #page
end
return found
