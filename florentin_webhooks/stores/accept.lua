-- Look a delivery up and, unless it needs no running, take its lease.
-- KEYS  1 record of the fingerprint   2 what came under the delivery id (absent without an id)
-- ARGV  1 prefix of records  2 fingerprint  3 content  4 token  5 fresh  6 valid  7 lease in ms
--       8 retention in ms  9 keep in ms  10 body  11 event  12 delivery id  13 received at
-- Gives one string, which clients read faster than a list: 16 bytes of fingerprint, and with \0
-- between them: verdict, attempt, wait in ms, id reused, id changed, handlers done ...
local call, record, fingerprint = redis.call, KEYS[1], ARGV[2]
local facts = call('HMGET', record, 's', 't', 'u', 'a', 'o')
local sent, reused, known_id = KEYS[2] and call('GET', KEYS[2]) or '', 0, not KEYS[2]

if facts[5] then  -- These bytes were once a retry of an earlier delivery, stamped anew.
  local earlier = call('HMGET', ARGV[1] .. facts[5], 's', 't', 'u', 'a')
  if earlier[1] then
    record, fingerprint, facts = ARGV[1] .. facts[5], facts[5], earlier
  else
    call('DEL', record)
  end
end

-- Pairs of content and fingerprint, 16 bytes each: what was sent under this delivery id.
for at = 1, #sent, 32 do
  local content, first = string.sub(sent, at, at + 15), string.sub(sent, at + 16, at + 31)
  if first == fingerprint then known_id = true end
  if not facts[1] and content == ARGV[3] and first ~= fingerprint then
    local earlier = call('HMGET', ARGV[1] .. first, 's', 't', 'u', 'a')
    if earlier[1] then
      record, fingerprint, facts, known_id = ARGV[1] .. first, first, earlier, true
      -- From here on these bytes are known, also when they come under any other delivery id.
      call('HSET', KEYS[1], 'o', first)
      call('PEXPIRE', KEYS[1], ARGV[8])
      if earlier[1] == 'done' then call('PEXPIRE', record, ARGV[8]) end
    end
  end
end

local function told(...) return fingerprint .. table.concat({...}, '\0') end
local state, token, attempt = facts[1], facts[2], tonumber(facts[4] or 0)
local changed = (state and not known_id) and 1 or 0
if state == 'done' then return told('duplicate', attempt, 0, 0, changed) end

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local wait = state == 'running' and tonumber(facts[3]) - now or 0
if wait > 0 and token ~= ARGV[4] then
  return told('in-progress', attempt, wait, 0, changed)
end

if not state and KEYS[2] then
  if sent ~= '' then reused = 1 end
  -- Sixteen different contents under one id are no retries; the oldest are let go.
  call('SET', KEYS[2], string.sub(sent, -480) .. ARGV[3] .. ARGV[2], 'PX', ARGV[8])
end

local verdict
if ARGV[5] == '0' and (not state or state == 'stale') then verdict = 'stale'
elseif ARGV[6] == '0' then verdict = 'invalid'
else verdict = 'run' end

if verdict == 'run' then
  if token ~= ARGV[4] then attempt = attempt + 1 end
  call('HSET', record, 's', 'running', 't', ARGV[4], 'u', now + ARGV[7], 'a', attempt,
    'b', ARGV[10], 'e', ARGV[11], 'i', ARGV[12], 'r', ARGV[13])
else
  call('HDEL', record, 't', 'u')
  call('HSET', record, 's', verdict, 'a', attempt,
    'b', ARGV[10], 'e', ARGV[11], 'i', ARGV[12], 'r', ARGV[13])
end
call('PEXPIRE', record, ARGV[9])

local answer = {verdict, attempt, 0, reused, changed}
if state then
  for _, field in ipairs(call('HKEYS', record)) do
    if string.sub(field, 1, 2) == 'h:' then answer[#answer + 1] = string.sub(field, 3) end
  end
end
return told(unpack(answer))
