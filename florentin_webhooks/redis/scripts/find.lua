-- Look one delivery up.
-- KEYS  1 record
return call('HGETALL', KEYS[1])
