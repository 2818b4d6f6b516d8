"""The keys in Redis and for how long they live. Text only.

| key | value | life |
|---|---|---|
| `market_data:{pair}` | the record as JSON text | cache TTL, counted from received at |
| `market_data_last:{pair}` | the same record | last known TTL |
| `market_data_history:{pair}` | list of points, see `history` | an hour from the last point |
| `market_data_fetcher:status` | `FetcherStatus` as JSON text | 24 h, or until a ban ends |
| `market_data_fetcher:source` | `binance` or `simulator`: whose prices these are | last known TTL, two hours at least |
| `market_data_fetcher:lease` | token of the active fetcher | a few seconds, renewed |
| `market_data_fetcher:released` | token of the fetcher that gave the lease back last | a minute |
"""

PRICE_KEY_PREFIX = "market_data:"
LAST_KNOWN_KEY_PREFIX = "market_data_last:"
HISTORY_KEY_PREFIX = "market_data_history:"
STATUS_KEY = "market_data_fetcher:status"
SOURCE_KEY = "market_data_fetcher:source"
LEASE_KEY = "market_data_fetcher:lease"
RELEASED_KEY = "market_data_fetcher:released"
DROPPED_WITH_THEIR_SOURCE = (PRICE_KEY_PREFIX, LAST_KNOWN_KEY_PREFIX, HISTORY_KEY_PREFIX, SOURCE_KEY)
"""Beginnings of the keys of one source's prices; the source comes last, so that a deletion cut short is repeated."""
STATUS_TTL_MS = 24 * 60 * 60 * 1000
RELEASED_TTL_MS = 60_000
HISTORY_TTL_MS = 60 * 60 * 1000
LEAST_SOURCE_TTL_MS = 2 * HISTORY_TTL_MS
"""The source must be known for longer than anything of it is kept."""
