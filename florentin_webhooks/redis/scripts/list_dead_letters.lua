-- List the jobs that have failed for good, and when: the oldest first.
-- KEYS  1 dead letters
-- ARGV  1 latest time of death in ms, or +inf  2 limit
return call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
