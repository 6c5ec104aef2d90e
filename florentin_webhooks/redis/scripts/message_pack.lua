-- Read texts in MessagePack where the server's Lua cannot, as that of fakeredis, which many tests use.
local cmsgpack = cmsgpack or {unpack = function(packed)
  local texts, at = {}, 1
  while at <= #packed do
    local head, size, length = string.byte(packed, at), 0, 0
    if head < 0xc0 then size = head - 0xa0 else length = 2 ^ (head - 0xd9) end
    for n = 1, length do size = 256 * size + string.byte(packed, at + n) end
    at = at + 1 + length
    texts[#texts + 1] = string.sub(packed, at, at + size - 1)
    at = at + size
  end
  return unpack(texts)
end}
