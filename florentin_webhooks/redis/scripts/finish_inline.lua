-- The beginning of finish.lua, with its KEYS and ARGV: the end of a delivery whose inline handlers
-- have all succeeded.
local record = KEYS[1]
if ARGV[3] == 'done' and ARGV[2] == '' and ARGV[6] == '' then
  local fields = call('HMGET', record, 's', 't:')
  if fields[1] == 'done' then
    if REPLICAS > 0 then call('HDEL', record, 'u:'); call('HSET', record, 's', 'done') end
    return 'done'
  end
  if fields[2] ~= ARGV[1] then return 'lost' end
  if fields[1] ~= 'running' then return fields[1] end
  redis.pcall('PEXPIRE', record, RETENTION)
  if ARGV[4] ~= '' then
    call('HSET', record, 's', 'done', 'z', milliseconds(), 'h:' .. ARGV[4], ARGV[5])
  else
    call('HSET', record, 's', 'done', 'z', milliseconds())
  end
  call('HDEL', record, 't:', 'u:', 'f:', 'w:')
  return 'done' .. remember_done(record, ARGV[8], KEYS[3], KEYS[2])
end
