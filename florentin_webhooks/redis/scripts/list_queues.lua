-- List the queues of RQ.
-- KEYS  1 RQ's set of the keys of its queues
return call('SMEMBERS', KEYS[1])
