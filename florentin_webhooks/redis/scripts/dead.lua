-- List the jobs that have failed for good, and when: the oldest first.
-- KEYS  1 dead jobs
-- ARGV  1 died at most, in ms, or +inf  2 number
return call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
