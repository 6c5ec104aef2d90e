-- Shared by the scripts that list a sorted set page by page. Pages begin by rank, since any number of
-- entries may have the same score.

local function is_before(one, other)
  for n = 1, math.min(#one, #other) do
    local a, b = string.byte(one, n), string.byte(other, n)
    if a ~= b then return a < b end
  end
  return #one < #other
end

-- Returns the rank of the first entry after *last*, which had *score* and may have gone, or be of
-- another lane. Words of commands: of one order, or of the other.
local function rank_after(key, score, last, rank_of, range, is_after)
  local rank = call(rank_of, key, last)
  if rank then return rank + 1 end
  rank = rank_of == 'ZRANK' and call('ZCOUNT', key, '-inf', '(' .. score)
    or call('ZCOUNT', key, '(' .. score, '+inf')
  while true do
    local entry = call(range, key, rank, rank, 'WITHSCORES')
    if not entry[1] or tonumber(entry[2]) ~= tonumber(score) or is_after(entry[1], last) then
      return rank
    end
    rank = rank + 1
  end
end

local function ascending(key, score, last)
  return rank_after(key, score, last, 'ZRANK', 'ZRANGE', function(a, b) return is_before(b, a) end)
end

local function descending(key, score, last)
  return rank_after(key, score, last, 'ZREVRANK', 'ZREVRANGE', is_before)
end
