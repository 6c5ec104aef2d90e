-- Return the number of jobs that wait in a queue.
-- KEYS  1 list of the queue
return call('LLEN', KEYS[1])
