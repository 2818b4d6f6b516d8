"""`market_data_history:{pair}`: a list of points, JSON text `[timestamp,price]` in the exchange's digits. Pure."""

import re
from collections.abc import Iterable, Sequence

from market_data.ticker.record import TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.keys import HISTORY_KEY_PREFIX, HISTORY_TTL_MS, HOLDS_LEASE, LEASE_KEY, SOURCE_KEY

STEP_MS = 15_000
"""Two points of a pair lie at least so far apart."""
MAX_POINTS = HISTORY_TTL_MS // STEP_MS
MAX_SERIES_BYTES = 64 * 1024
"""About four times what a series of the longest points takes in Redis."""

# Thirteen digits of Unix ms last from 2001 to 2286, and let points be put in order as text.
_POINT = re.compile(rb"\[[1-9][0-9]{12},(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,20})?\]")

# A point within a step of the last one is a double: a fetcher that takes over does not know what the one before wrote.
# Points that lie further in the future come from a clock that was wrong, and no reader could put them in order.
# What is no list of points, or far too large for one, gives way.
WRITE_HISTORY = (
    HOLDS_LEASE
    + """
if redis.pcall('GET', KEYS[2]) ~= ARGV[2] then return 'other_source' end
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
return 'ok'
"""
)


def keys_of(pairs: Iterable[str]) -> list[str]:
    """Return where the pairs' series lie."""
    return [HISTORY_KEY_PREFIX + pair for pair in pairs]


def writing_of(
    records: Sequence[TickerRecord], source: Source, token: str
) -> tuple[list[str], list[str | int | bytes]]:
    """Return keys and arguments with which `WRITE_HISTORY` adds a point of each record."""
    keys = [LEASE_KEY, SOURCE_KEY, *keys_of(record.pair for record in records)]
    points = (f"[{record.received_at_ms},{record.price:f}]".encode() for record in records)
    return keys, [token, source.value, STEP_MS, HISTORY_TTL_MS, MAX_POINTS, MAX_SERIES_BYTES, *points]


def good_points(elements: Iterable[bytes]) -> list[bytes]:
    """Return those elements that are points, oldest first."""
    return sorted(filter(_POINT.fullmatch, elements))
