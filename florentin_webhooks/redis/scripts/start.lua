-- Comes first in all scripts.
local call = redis.call

-- A delivery that is recorded so many ms after its arrival may be missed by the index of states.
local LATE = 10000

