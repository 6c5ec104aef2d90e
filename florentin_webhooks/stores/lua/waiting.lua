-- Give the jobs of a queue that have been waiting for some time, the oldest first.
-- KEYS  1 pending jobs of the queue
-- ARGV  1 pushed at most, in ms
return call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 10000)
