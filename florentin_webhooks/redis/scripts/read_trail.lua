-- Read entries of the trail, the oldest first.
-- KEYS  1 trail
-- ARGV  1 where to begin  2 limit
return call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])
