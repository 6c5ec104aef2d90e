-- Append entries to the trail that processes share.
-- KEYS  1 trail
-- ARGV  1 how many are kept, about  2 lifetime in ms  3 ... entries
for n = 3, #ARGV do call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'e', ARGV[n]) end
call('PEXPIRE', KEYS[1], ARGV[2])
return 1
