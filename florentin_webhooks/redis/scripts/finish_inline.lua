-- The beginning of finish.lua, with its KEYS and ARGV: the end of a delivery whose inline handlers
-- have all succeeded.
local function trim_history(done, log)
  local length = call('LLEN', done)
  while length > HISTORY do
    local oldest = call('RPOP', done)
    if call('HGET', RECORDS .. oldest, 's') == 'done' then
      compact(RECORDS .. oldest, oldest, log, RETENTION)
    end
    length = length - 1
  end
end

local record = KEYS[1]
if ARGV[3] == 'done' and ARGV[2] == '' and ARGV[6] == '' then
  local fields = call('HMGET', record, 's', 't:')
  if fields[1] == 'done' then return 'done' end
  if fields[2] ~= ARGV[1] then return 'lost' end
  if fields[1] ~= 'running' then return fields[1] end
  if ARGV[4] ~= '' then
    call('HSET', record, 's', 'done', 'z', milliseconds(), 'h:' .. ARGV[4], ARGV[5])
  else
    call('HSET', record, 's', 'done', 'z', milliseconds())
  end
  call('HDEL', record, 't:', 'u:', 'f:', 'w:')
  call('PEXPIRE', record, RETENTION)
  if call('LPUSH', KEYS[3], ARGV[8]) % 16 == 1 then call('PEXPIRE', KEYS[3], UNFINISHED_RETENTION) end
  trim_history(KEYS[3], KEYS[2])
  return 'done'
end
