-- Look a delivery up and, if its handlers must run, take its lease or push its jobs.
-- KEYS  1 record of the fingerprint  2 contents sent under the delivery id  3 log  4 dead letters
--       5 for each alias, a key of the same delivery under another key id: its record, and the
--       contents sent under its delivery id; then jobs
-- ARGV  1 prefix of records  2 fingerprint  3 content, '' without a delivery id  4 token
--       5 fresh: 1, or why it is not  6 valid: likewise  7 inline: whether handlers run here  8 lease in ms  9 retention in ms
--       10 unfinished retention in ms  11 body  12 event  13 delivery id  14 received, in ms
--       15 secret  16 key id  17 aliases: their fingerprints, joined  18 jobs
-- Returns one string, which clients read faster than a list: 16 bytes of fingerprint, and joined by
-- \0: decision, attempt, wait in ms, id reused, id changed, handlers done ...
local record, fingerprint, has_id = KEYS[1], ARGV[2], ARGV[3] ~= ''
local aliases = #ARGV[17] / 16
local jobs = jobs_from(5 + 2 * aliases, 18)
local own, reused, known_id = has_id and call('GET', KEYS[2]) or '', 0, not has_id
local sent = own

-- Returns the fields of a record and its fingerprint: that of the first delivery where field o, of
-- a retry with a new timestamp or under another key, leads to it.
local function look_up(key, its_fingerprint)
  local found = call('HMGET', key, 's', 't:', 'u:', 'a', 'o')
  if not found[5] then return found, its_fingerprint end
  local earlier = call('HMGET', ARGV[1] .. found[5], 's', 't:', 'u:', 'a')
  if earlier[1] then return earlier, found[5] end
  call('DEL', key)
  return earlier, its_fingerprint
end

-- From now on these bytes are known, also under any other delivery id.
local function remember_way(first, state)
  record = ARGV[1] .. first
  call('HSET', KEYS[1], 'o', first)
  call('PEXPIRE', KEYS[1], ARGV[9])
  if state == 'done' then call('PEXPIRE', record, ARGV[9]) end
end

local fields
fields, fingerprint = look_up(record, fingerprint)
record = ARGV[1] .. fingerprint
for n = 1, aliases do
  if not fields[1] then
    local found, first = look_up(KEYS[3 + 2 * n], string.sub(ARGV[17], 16 * n - 15, 16 * n))
    if found[1] then
      fields, fingerprint = found, first
      remember_way(first, found[1])
    end
  end
  if has_id then sent = sent .. (call('GET', KEYS[4 + 2 * n]) or '') end
end

-- Pairs of content and fingerprint, 16 bytes each: what was sent under this delivery id.
for at = 1, #sent, 32 do
  local content, first = string.sub(sent, at, at + 15), string.sub(sent, at + 16, at + 31)
  if first == fingerprint then known_id = true end
  if not fields[1] and content == ARGV[3] and first ~= fingerprint then
    local earlier = call('HMGET', ARGV[1] .. first, 's', 't:', 'u:', 'a')
    if earlier[1] then
      fingerprint, fields, known_id = first, earlier, true
      remember_way(first, earlier[1])
    end
  end
end

local state, holder, lease_expires_at = fields[1], fields[2], fields[3]
local attempt, now = tonumber(fields[4] or 0), milliseconds()
local changed = (state and not known_id) and 1 or 0
local function answer(decision, wait, ...)
  return fingerprint .. table.concat({decision, attempt, wait or 0, reused, changed, ...}, '\0')
end

if state == 'queued' or state == 'dead' then
  -- The jobs given belong to ARGV[2]; for another fingerprint the caller must ask again.
  if fingerprint ~= ARGV[2] then return answer(state == 'dead' and 'elsewhere' or 'duplicate') end
  local revived = false
  for _, job in ipairs(jobs) do
    if is_stranded(job) then push(job, record, KEYS[4], now); revived = true end
  end
  if not revived then return answer(holder == ARGV[4] and 'queued' or 'duplicate') end
  call('HSET', record, 't:', ARGV[4])
  update_state(record, ARGV[10])
  return answer('queued')
end
if state == 'done' then return answer('duplicate') end

local wait = state == 'running' and tonumber(lease_expires_at) - now or 0
if wait > 0 and holder ~= ARGV[4] then return answer('in-progress', wait) end

if not state then
  call('ZADD', KEYS[3], ARGV[14], fingerprint)
  call('PEXPIRE', KEYS[3], ARGV[10])
  -- Each new entry removes the oldest one of the log if its record has expired.
  local oldest = call('ZRANGE', KEYS[3], 0, 0)[1]
  if call('EXISTS', ARGV[1] .. oldest) == 0 and oldest ~= fingerprint then
    call('ZREM', KEYS[3], oldest)
  end
  if has_id then
    if sent ~= '' then reused = 1 end
    -- Sixteen different contents under one id are not retries: the oldest are deleted.
    call('SET', KEYS[2], string.sub(own, -480) .. ARGV[3] .. ARGV[2], 'PX', ARGV[9])
  end
end

local decision = 'run'
if ARGV[5] ~= '1' and (not state or state == 'stale') then decision = 'stale'
elseif ARGV[6] ~= '1' then decision = 'invalid'
elseif ARGV[7] == '0' and #jobs > 0 and fingerprint == ARGV[2] then decision = 'queued' end

if holder ~= ARGV[4] and (decision == 'run' or decision == 'queued') then attempt = attempt + 1 end
call('HSET', record, 's', decision == 'run' and 'running' or decision, 'a', attempt)
if not state then
  call('HSET', record, 'b', ARGV[11], 'e', ARGV[12], 'i', ARGV[13], 'r', ARGV[14], 'k', ARGV[15],
    'g', ARGV[16])
end
if decision == 'queued' then
  call('HSET', record, 't:', ARGV[4], 'n', #jobs, 'm', 0)
  call('HDEL', record, 'u:', 'f:', 'w:')
  call('PERSIST', record)
  for _, job in ipairs(jobs) do push(job, record, KEYS[4], now) end
elseif decision == 'run' then
  call('HSET', record, 't:', ARGV[4], 'u:', now + ARGV[8])
  if state then call('HDEL', record, 'w:') end
  call('PEXPIRE', record, ARGV[10])
else
  call('HDEL', record, 't:', 'u:', 'w:')
  call('HSET', record, 'f:', ARGV[decision == 'stale' and 5 or 6])
  call('PEXPIRE', record, ARGV[10])
end

local done = {}
if state then
  for _, field in ipairs(call('HKEYS', record)) do
    if string.sub(field, 1, 2) == 'h:' then done[#done + 1] = string.sub(field, 3) end
  end
end
return answer(decision, 0, unpack(done))
