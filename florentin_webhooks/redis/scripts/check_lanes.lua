-- Return the number of lanes for which the store was created: now, if it is new.
-- KEYS  1 number of lanes
-- ARGV  1 lanes of the caller
call('SET', KEYS[1], ARGV[1], 'NX')
return call('GET', KEYS[1])
