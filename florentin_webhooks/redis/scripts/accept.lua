-- Look a delivery up and, if its handlers must run, take its lease or push its jobs.
-- Constants of the store: LEASE, RETENTION and UNFINISHED_RETENTION in ms, REPLICAS.
-- KEYS  1 record of the fingerprint  2 contents sent under the delivery id
--       3 for each alias, a key of the same delivery under another key id: its record, and the
--       contents sent under its delivery id; then jobs, if any; log; dead letters, or how far the
--       index of states has come where there are no jobs; records of first deliveries
-- ARGV  1 fingerprint  2 content and fingerprint, '' without a delivery id  3 token
--       4 mode, three times 1 or 0: fresh, valid, inline, whether handlers run here; then why it is
--       not fresh or not valid  5 body  6 arrival, as the record has it  7 received, in ms
--       8 aliases: their fingerprints, joined  9 time in ms by the caller's clock
--       10 jobs; then the fingerprints of the first deliveries, joined, if any
-- Returns one string, which clients read faster than a list: 16 bytes of fingerprint, and joined by
-- \0: decision, attempt, wait in ms, id reused, id changed, handlers done ... The decision 'first'
-- changes nothing: the fingerprint is that of a first delivery, and the caller must name its key.
-- After a decision with a plus, the caller must have the index of states look at the delivery.
local fingerprint, has_id, dead = ARGV[1], ARGV[2] ~= '', KEYS[log + 1]
local jobs = jobs_from(3 + aliases, 10)
local own, reused, known_id = has_id and call('GET', KEYS[2]) or '', 0, not has_id
local sent = own

-- The keys of the records that the caller has named, by fingerprint.
local records, leads = {[fingerprint] = record}, ARGV[11 + 4 * count] or ''
for n = 1, aliases / 2 do
  records[string.sub(ARGV[8], 16 * n - 15, 16 * n)] = KEYS[1 + 2 * n]
end
for n = 1, #leads / 16 do
  records[string.sub(leads, 16 * n - 15, 16 * n)] = KEYS[#KEYS - #leads / 16 + n]
end

-- Returns the fields of a record and its fingerprint: that of the first delivery where field o, of
-- a retry with a new timestamp or under another key, leads to it; no fields without its key.
local function look_up(key, its_fingerprint)
  local found = call('HMGET', key, 's', 't:', 'u:', 'a', 'o')
  local first = found[5]
  if not first then return found, its_fingerprint end
  if not records[first] then return nil, first end
  local earlier = call('HMGET', records[first], 's', 't:', 'u:', 'a')
  if earlier[1] then return earlier, first end
  call('DEL', key)
  return earlier, its_fingerprint
end

-- From now on these bytes are known, also under any other delivery id.
local function remember_way(first, state)
  record = records[first]
  call('HSET', KEYS[1], 'o', first)
  call('PEXPIRE', KEYS[1], RETENTION)
  if state == 'done' then call('PEXPIRE', record, RETENTION) end
end

local fields
fields, fingerprint = look_up(record, fingerprint)
if not fields then return fingerprint .. 'first' end
record = records[fingerprint]
for n = 1, aliases / 2 do
  if not fields[1] then
    local found, first = look_up(KEYS[1 + 2 * n], string.sub(ARGV[8], 16 * n - 15, 16 * n))
    if not found then return first .. 'first' end
    if found[1] then
      fields, fingerprint = found, first
      remember_way(first, found[1])
    end
  end
  if has_id then sent = sent .. (call('GET', KEYS[2 + 2 * n]) or '') end
end

-- Pairs of content and fingerprint, 16 bytes each: what was sent under this delivery id.
for at = 1, #sent, 32 do
  local content, first = string.sub(sent, at, at + 15), string.sub(sent, at + 16, at + 31)
  if first == fingerprint then known_id = true end
  if not fields[1] and content == string.sub(ARGV[2], 1, 16) and first ~= fingerprint then
    if not records[first] then return first .. 'first' end
    local earlier = call('HMGET', records[first], 's', 't:', 'u:', 'a')
    if earlier[1] then
      fingerprint, fields, known_id = first, earlier, true
      remember_way(first, earlier[1])
    end
  end
end

local state, holder, lease_expires_at = fields[1], fields[2], fields[3]
-- A record without a number of attempts had one.
local attempt, now = tonumber(fields[4] or (state and 1) or 0), milliseconds()
local changed = (state and not known_id) and 1 or 0
local function answer(decision, wait, done)
  local fields = {decision, attempt, wait or 0, reused, changed}
  -- Not by unpack, which takes no more than 8,000.
  for _, handler in ipairs(done or {}) do fields[#fields + 1] = handler end
  return fingerprint .. table.concat(fields, '\0')
end

if state == 'queued' or state == 'dead' then
  -- What was promised for it must be at the replicas: WAIT waits for what its connection has written.
  if REPLICAS > 0 then call('HSET', record, 's', state) end
  -- The jobs given belong to ARGV[1]; for another fingerprint the caller must ask again.
  if fingerprint ~= ARGV[1] then return answer(state == 'dead' and 'elsewhere' or 'duplicate') end
  local revived = false
  for _, job in ipairs(jobs) do
    if is_stranded(job) then push(job, record, dead, now); revived = true end
  end
  if not revived then return answer(holder == ARGV[3] and 'queued' or 'duplicate') end
  update_state(record, UNFINISHED_RETENTION)
  call('HSET', record, 't:', ARGV[3])
  return answer('queued')
end
if state == 'done' then
  -- The same: its record may have been written over a connection whose WAIT had no answer.
  if REPLICAS > 0 then call('HDEL', record, 'u:'); call('HSET', record, 's', state) end
  return answer('duplicate')
end

local wait = state == 'running' and wait_for_lease(record, 'u:', lease_expires_at, now, LEASE) or 0
if wait > 0 and holder ~= ARGV[3] then return answer('in-progress', wait) end

if not state then
  add_to_log(KEYS[log], fingerprint, ARGV[7])
  if has_id then
    if sent ~= '' and not known_id then reused = 1 end
    -- Sixteen different contents under one id are not retries: the oldest are deleted.
    call('SET', KEYS[2], string.sub(own, -480) .. ARGV[2], 'PX', RETENTION)
  end
end

local decision = 'run'
if string.sub(mode, 1, 1) == '0' and (not state or state == 'stale') then decision = 'stale'
elseif string.sub(mode, 2, 2) == '0' then decision = 'invalid'
elseif string.sub(mode, 3, 3) == '0' and #jobs > 0 and fingerprint == ARGV[1] then decision = 'queued' end

if holder ~= ARGV[3] and (decision == 'run' or decision == 'queued') then attempt = attempt + 1 end
if not state then call('HSET', record, 'b', ARGV[5], 'd', ARGV[6]) end
call('PEXPIRE', record, UNFINISHED_RETENTION)
if attempt == 1 then call('HDEL', record, 'a')
else call('HSET', record, 'a', attempt) end
if decision == 'queued' then
  for _, job in ipairs(jobs) do push(job, record, dead, now) end
  call('HDEL', record, 'u:', 'm', 'n', 'f:', 'w:')
  call('PERSIST', record)
  if #jobs > 1 then call('HSET', record, 'n', #jobs) end
  call('HSET', record, 't:', ARGV[3], 's', 'queued')
elseif decision == 'run' then
  if state then call('HDEL', record, 'w:') end
  call('HSET', record, 't:', ARGV[3], 'u:', now + LEASE, 's', 'running')
else
  call('HDEL', record, 't:', 'u:', 'w:')
  call('HSET', record, 'f:', string.sub(mode, 4), 's', decision)
end

-- What waits in a queue is in no index, and what has failed is in the same one as what runs.
local before, after = state == 'running' and 'failed' or state, decision == 'run' and 'failed' or decision
if state and after ~= 'queued' and before ~= after then decision = decision .. '+'
elseif not state and after ~= 'queued' and now - ARGV[7] >= LATE then
  decision = note_late(decision, KEYS[log + 1], count)
end

local done = {}
if state then
  for _, field in ipairs(call('HKEYS', record)) do
    if string.sub(field, 1, 2) == 'h:' then done[#done + 1] = string.sub(field, 3) end
  end
end
return answer(decision, 0, done)
