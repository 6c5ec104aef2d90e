-- Execute commands of RQ although the server's memory is full: it refuses none after a first write.
-- A worker needs some bytes before it can free many.
-- KEYS  the keys of the commands
-- ARGV  for each command: the number of its words, and the words
-- Returns the answers, errors among them.
redis.pcall('HDEL', KEYS[1], '')
local answers, at = {}, 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  answers[#answers + 1] = redis.pcall(unpack(ARGV, at + 1, last))
  at = last + 1
end
return answers
