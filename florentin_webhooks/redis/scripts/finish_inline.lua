-- Record that the last inline handler has succeeded, and end the delivery: finish.lua for the case of
-- nearly all. Where there is a history it comes without the functions of other scripts: to define
-- these with each call takes longer than a command. Needs the constants of finish.lua.
-- KEYS  1 record  2 log  3 done
-- ARGV  1 token  2 fingerprint  3 time in ms by the caller's clock  4 h: and the handler, if
--       any  5 its outcome
-- Returns what finish.lua does.
local record = KEYS[1]
local fields = call('HMGET', record, 's', 't:', 'f:')
if fields[1] == 'done' then
  if REPLICAS > 0 then call('HDEL', record, 'u:'); call('HSET', record, 's', 'done') end
  return 'done'
end
if fields[2] ~= ARGV[1] then return 'lost' end
if fields[1] ~= 'running' then return fields[1] end
redis.pcall('PEXPIRE', record, RETENTION)
if ARGV[4] then
  call('HSET', record, 's', 'done', 'z', ARGV[3], ARGV[4], ARGV[5])
else
  call('HSET', record, 's', 'done', 'z', ARGV[3])
end
if fields[3] then call('HDEL', record, 'f:') end
if HISTORY > 0 then return 'done' .. add_to_history(KEYS[3], ARGV[2]) end
compact(record, RETENTION)
call('ZREM', KEYS[2], ARGV[2])
return 'done'
