"""The Lua that a fetcher runs in Redis. A reply is a word, Redis' time as `TIME` has it, and what a script adds.

The time is nothing where this user may not ask for it. KEYS[1] is the lease, and ARGV[1] the token of whoever writes.
"""

LEASE_LOST = b"lease_lost"
OTHER_SOURCE = b"other_source"

_WITH_TIME = """
local time = redis.pcall('TIME')
local function word(text) return {text, time[1] or false, time[2] or false} end
"""
_UNDER_THE_LEASE = (
    _WITH_TIME
    + """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return word('lease_lost') end
"""
)

WRITE_TICKERS = (
    _UNDER_THE_LEASE
    + """
local source = redis.pcall('GET', KEYS[2])
if source and source ~= ARGV[2] then return word('other_source') end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[5])
local count = #ARGV - 5
for i = 1, count do
  redis.call('SET', KEYS[2 + i], ARGV[5 + i], 'PX', ARGV[3])
  redis.call('SET', KEYS[2 + count + i], ARGV[5 + i], 'PX', ARGV[4])
end
return word('ok')
"""
)

# A point within a step of the last one is a double: a fetcher that takes over does not know what the one before wrote.
# Points that lie further in the future come from a clock that was wrong, and no reader could put them in order.
# What is no list of points, or far too large for one, gives way.
WRITE_HISTORY = (
    _UNDER_THE_LEASE
    + """
if redis.pcall('GET', KEYS[2]) ~= ARGV[2] then return word('other_source') end
local step, life, most, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local function received_at(point)
  return point and tonumber((string.match(point, '^%[(%d+),'))) or nil
end
for i = 7, #ARGV do
  local key, point = KEYS[i - 4], ARGV[i]
  local now = received_at(point)
  local bytes = redis.pcall('MEMORY', 'USAGE', key)
  if redis.call('TYPE', key).ok ~= 'list' or (type(bytes) == 'number' and bytes > most_bytes) then
    redis.call('DEL', key)
  end
  redis.call('LTRIM', key, -most, -1)
  local last = redis.call('LINDEX', key, -1)
  while last and (received_at(last) or math.huge) > now + step do
    redis.call('RPOP', key)
    last = redis.call('LINDEX', key, -1)
  end
  if not last or received_at(last) <= now - step then
    redis.call('RPUSH', key, point)
    local first = redis.call('LINDEX', key, 0)
    while redis.call('LLEN', key) > most or (received_at(first) or 0) <= now - life do
      redis.call('LPOP', key)
      first = redis.call('LINDEX', key, 0)
    end
    redis.call('PEXPIRE', key, life)
  end
end
return word('ok')
"""
)

WRITE_STATUS = (
    _UNDER_THE_LEASE
    + """
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
redis.call('SET', KEYS[3], ARGV[4], 'PX', ARGV[5], 'NX')
return word('ok')
"""
)
RENEW_LEASE = _UNDER_THE_LEASE + "redis.call('PEXPIRE', KEYS[1], ARGV[2]) return word('ok')"
DELETE_KEYS = _UNDER_THE_LEASE + "redis.call('DEL', unpack(KEYS, 2)) return word('ok')"
RELEASE_LEASE = (
    _UNDER_THE_LEASE + "redis.call('DEL', KEYS[1]) redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2]) return word('ok')"
)
# A lease that no fetcher can have written would keep every fetcher out: of another type, without an end, or too long.
READ_LEASE = (
    _WITH_TIME
    + """
local reply, longest = word('ok'), tonumber(ARGV[1])
local holder, life = redis.pcall('GET', KEYS[1]), redis.call('PTTL', KEYS[1])
if type(holder) == 'table' then
  redis.call('DEL', KEYS[1])
  holder, life = false, -2
elseif holder and (life < 0 or life > longest) then
  redis.call('PEXPIRE', KEYS[1], longest)
  life = longest
end
local released_by = redis.pcall('GET', KEYS[2])
reply[4], reply[5], reply[6] = holder, math.max(0, life), type(released_by) == 'string' and released_by
return reply
"""
)
