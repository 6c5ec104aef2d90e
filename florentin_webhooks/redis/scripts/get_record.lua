-- Return all fields of one record.
-- KEYS  1 record
return call('HGETALL', KEYS[1])
