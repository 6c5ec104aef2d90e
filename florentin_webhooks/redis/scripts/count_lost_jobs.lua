-- Count the jobs of a queue whose records are gone.
-- KEYS  1 lost jobs of the queue
-- ARGV  1 earliest discovery in ms
return call('ZCOUNT', KEYS[1], ARGV[1], '+inf')
