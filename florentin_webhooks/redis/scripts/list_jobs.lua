-- List the fingerprints of jobs, in hex: of all that are pending, or where these are many, of those
-- that RQ has started.
-- KEYS  for each queue: its pending jobs, and RQ's jobs in progress
-- ARGV  1 most  2 whether those in progress are enough
-- Returns {whether they are all of them, the fingerprints, joined}.
local function list(from)
  local count, found = 0, {}
  for n = from, #KEYS, 2 do count = count + call('ZCARD', KEYS[n]) end
  if count > tonumber(ARGV[1]) then return end
  for n = from, #KEYS, 2 do
    for _, id in ipairs(call('ZRANGE', KEYS[n], 0, -1)) do
      local fingerprint = string.sub(id, 1, 32)
      -- RQ's jobs in progress may be of other programs.
      if #fingerprint == 32 and not string.find(fingerprint, '%X') then
        found[#found + 1] = fingerprint
      end
    end
  end
  return table.concat(found)
end

local jobs = list(1) or ARGV[2] == '1' and list(2)
return {jobs and 1 or 0, jobs or ''}
