-- Remember a finished record, and return the fingerprints beyond HISTORY once there are STEP more of
-- them, '' otherwise: the caller passes their keys to trim_history, and no script touches a key that
-- its caller did not name. Needs the constants of the store. The first entry and every eighth renew
-- the list, by their fingerprint: once it is full, its length hardly changes.
local function add_to_history(done, fingerprint)
  local length = call('LPUSH', done, fingerprint)
  if length == 1 or string.byte(fingerprint) % 8 == 0 then
    call('PEXPIRE', done, UNFINISHED_RETENTION)
  end
  local excess = length - HISTORY
  if excess <= 0 or excess % STEP > 0 then return '' end
  return table.concat(call('LRANGE', done, -math.min(excess, 256), -1))
end
