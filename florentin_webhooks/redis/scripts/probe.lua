-- Write nothing, by a command that a server refuses where it refuses deliveries.
-- KEYS  1 a key that does not exist
return call('SET', KEYS[1], '', 'XX', 'PX', 1)
