-- Look a delivery up and, unless it needs no running, take its lease or push its jobs.
-- KEYS  1 record of the fingerprint   2 what came under the delivery id   3 log   4 dead jobs
--       5 jobs
-- ARGV  1 prefix of records  2 fingerprint  3 content, '' without a delivery id  4 token  5 fresh
--       6 valid  7 inline: whether handlers run here  8 lease in ms  9 retention in ms
--       10 keep in ms  11 body  12 event  13 delivery id  14 received, in ms  15 secret  16 jobs
-- Gives one string, which clients read faster than a list: 16 bytes of fingerprint, and with \0
-- between them: verdict, attempt, wait in ms, id reused, id changed, handlers done ...
local record, fingerprint, has_id = KEYS[1], ARGV[2], ARGV[3] ~= ''
local jobs = jobs_from(5, 16)
local facts = call('HMGET', record, 's', 't:', 'u:', 'a', 'o')
local sent, reused, known_id = has_id and call('GET', KEYS[2]) or '', 0, not has_id

if facts[5] then  -- These bytes were once a retry of an earlier delivery, stamped anew.
  local earlier = call('HMGET', ARGV[1] .. facts[5], 's', 't:', 'u:', 'a')
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
    local earlier = call('HMGET', ARGV[1] .. first, 's', 't:', 'u:', 'a')
    if earlier[1] then
      record, fingerprint, facts, known_id = ARGV[1] .. first, first, earlier, true
      -- From here on these bytes are known, also when they come under any other delivery id.
      call('HSET', KEYS[1], 'o', first)
      call('PEXPIRE', KEYS[1], ARGV[9])
      if earlier[1] == 'done' then call('PEXPIRE', record, ARGV[9]) end
    end
  end
end

local state, token, attempt, now = facts[1], facts[2], tonumber(facts[4] or 0), milliseconds()
local changed = (state and not known_id) and 1 or 0
local function answer(verdict, wait, ...)
  return fingerprint .. table.concat({verdict, attempt, wait or 0, reused, changed, ...}, '\0')
end

if state == 'queued' or state == 'dead' then
  -- The jobs at hand are those of ARGV[2]; whoever was led elsewhere asks again under that key.
  if fingerprint ~= ARGV[2] then return answer(state == 'dead' and 'elsewhere' or 'duplicate') end
  local revived = false
  for _, job in ipairs(jobs) do
    if is_stranded(job) then push(job, record, KEYS[4], now); revived = true end
  end
  if not revived then return answer(token == ARGV[4] and 'queued' or 'duplicate') end
  call('HSET', record, 't:', ARGV[4])
  stand(record, ARGV[10])
  return answer('queued')
end
if state == 'done' then return answer('duplicate') end

local wait = state == 'running' and tonumber(facts[3]) - now or 0
if wait > 0 and token ~= ARGV[4] then return answer('in-progress', wait) end

if not state then
  call('ZADD', KEYS[3], ARGV[14], fingerprint)
  call('PEXPIRE', KEYS[3], ARGV[10])
  -- One that has expired leaves the log when the next one comes.
  local oldest = call('ZRANGE', KEYS[3], 0, 0)[1]
  if call('EXISTS', ARGV[1] .. oldest) == 0 and oldest ~= fingerprint then
    call('ZREM', KEYS[3], oldest)
  end
  if has_id then
    if sent ~= '' then reused = 1 end
    -- Sixteen different contents under one id are no retries; the oldest are let go.
    call('SET', KEYS[2], string.sub(sent, -480) .. ARGV[3] .. ARGV[2], 'PX', ARGV[9])
  end
end

local verdict = 'run'
if ARGV[5] == '0' and (not state or state == 'stale') then verdict = 'stale'
elseif ARGV[6] == '0' then verdict = 'invalid'
elseif ARGV[7] == '0' and #jobs > 0 and fingerprint == ARGV[2] then verdict = 'queued' end

if token ~= ARGV[4] and (verdict == 'run' or verdict == 'queued') then attempt = attempt + 1 end
call('HSET', record, 's', verdict == 'run' and 'running' or verdict, 'a', attempt)
if not state then
  call('HSET', record, 'b', ARGV[11], 'e', ARGV[12], 'i', ARGV[13], 'r', ARGV[14], 'k', ARGV[15])
end
if verdict == 'queued' then
  call('HSET', record, 't:', ARGV[4], 'n', #jobs, 'm', 0)
  call('HDEL', record, 'u:')
  call('PERSIST', record)
  for _, job in ipairs(jobs) do push(job, record, KEYS[4], now) end
elseif verdict == 'run' then
  call('HSET', record, 't:', ARGV[4], 'u:', now + ARGV[8])
  call('PEXPIRE', record, ARGV[10])
else
  call('HDEL', record, 't:', 'u:')
  call('PEXPIRE', record, ARGV[10])
end

local done = {}
if state then
  for _, field in ipairs(call('HKEYS', record)) do
    if string.sub(field, 1, 2) == 'h:' then done[#done + 1] = string.sub(field, 3) end
  end
end
return answer(verdict, 0, unpack(done))
