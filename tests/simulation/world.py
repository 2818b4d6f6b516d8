"""Two fetchers, one exchange, one cache, and everything that can happen to them, at random from a seed."""

import json
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import combinations

from market_data.ticker.clock import Clock
from tests.fakes import FALLBACK, HOST, UNIX_TIME_AT_START_MS, MemoryTickerCache, app_settings
from tests.simulation.exchange import ASSETS, EXCHANGE_FAULTS, SimulatedExchange
from tests.simulation.processes import SimulatedFetcher
from tests.simulation.virtual_time import VirtualTime

PAIRS = [f"{asset}/USDT" for asset in ASSETS]
SAMPLE_SECONDS = 5.0
RECOVERY_SECONDS = 45.0
"""After this long without trouble every price must be served: the longest wait, a takeover, a late wake-up."""
BLOCK_RECOVERY_SECONDS = 350.0
"""Hosts that block an address are asked again after five minutes at the latest."""
QUARANTINE_SECONDS = 3_700.0


class World:
    """Runs for as long as it is told, watches its invariants, and remembers what it saw."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.time = VirtualTime()
        self.wall_clock_error_ms = 0
        self.settings = app_settings(
            TRADING_PAIRS=json.dumps(PAIRS),
            MARKET_DATA_BATCH_SIZE="2",
            BINANCE_API_BASE_URL=HOST,
            BINANCE_API_FALLBACK_URLS=FALLBACK,
        )
        self._began_at = self._calm_from = self.time.monotonic()
        clock = Clock(self.time.monotonic, self.now_ms, self.time.sleep)
        self.cache = MemoryTickerCache(clock)  # type: ignore[arg-type]
        self.exchange = SimulatedExchange(self.time, self.chance, self.now_ms)
        self.seen: Counter[str] = Counter()
        self._settled_from: dict[str, float] = {}
        self._latest: dict[str, float] = {}
        self.fetchers = [SimulatedFetcher(self, self.chance) for _ in range(2)]

    def now_ms(self) -> int:
        elapsed_ms = round((self.time.monotonic() - self._began_at) * 1000)
        return UNIX_TIME_AT_START_MS + elapsed_ms + self.wall_clock_error_ms

    def run(self, seconds: float) -> None:
        """Let the world go on for so long."""
        end = self.time.monotonic() + seconds
        next_trouble_at = self.time.monotonic() + 60
        while self.time.monotonic() < end:
            self.time.sleep(SAMPLE_SECONDS * self.chance.uniform(0.5, 1.5))
            self._watch_prices()
            if self.time.monotonic() >= next_trouble_at:
                next_trouble_at += self._make_trouble()

    def close(self) -> None:
        """End every process and let their threads end."""
        for fetcher in self.fetchers:
            fetcher.kill()
        self.time.sleep(3_600)

    def watch_request(self, fetcher: SimulatedFetcher, *, is_for_tickers: bool) -> None:
        """Fail where a request is sent that must not be sent.

        A list of symbols that was asked for before the circuit opened may still be asked of the other host.
        """
        now = self.time.monotonic()
        self._watch_leases()
        assert not (is_for_tickers and fetcher.is_circuit_open), "a request through an open circuit"
        for refusal in self.exchange.refusals:
            is_over = now >= refusal.ends_at - 0.01
            assert is_over or fetcher.lease.token not in refusal.known_to, "a request before the end of a wait"

    def _watch_leases(self) -> None:
        for one, other in combinations(self.fetchers, 2):
            both = one.believes_to_be_active and other.believes_to_be_active
            assert not both, "two fetchers are active"

    def _watch_prices(self) -> None:
        self._watch_leases()
        self.seen["samples"] += 1
        self.cache.statuses.clear()
        if self.cache.is_away:
            return
        now = self.time.monotonic()
        served = self.cache.read(PAIRS).current
        for pair, ticker in served.items():
            given = self.exchange.given(pair.replace("/", ""), f"{ticker.decode().price:f}")
            assert given is not None, f"{pair}: {ticker.raw!r} was never given by the exchange"
            received_at_ms, received_at = given
            assert ticker.received_at_ms == received_at_ms, f"{pair}: {ticker.raw!r} was received at {received_at_ms}"
            assert received_at >= self._latest.get(pair, 0.0), f"{pair}: an older price took a newer one's place"
            self._latest[pair] = received_at
            assert now - received_at <= self.settings.cache_ttl_ms / 1000 + 0.01, f"{pair} outlived its life"
        self._watch_recovery(served.keys() >= set(PAIRS), [pair for pair in PAIRS if pair not in served], now)

    def _watch_recovery(self, is_whole: bool, missing: list[str], now: float) -> None:
        self.seen["whole"] += is_whole
        if now >= self._calm_from + RECOVERY_SECONDS:
            self.seen["calm"] += 1
            late = [pair for pair in missing if now >= self._settled_from.get(pair, 0.0)]
            assert not late, f"{late} missing {now - self._calm_from:.0f} s after the last trouble"

    def _make_trouble(self) -> float:
        """Begin one more trouble and return the seconds until the next."""
        kind = self.chance.choice((*EXCHANGE_FAULTS, *TROUBLES, *TROUBLES))
        self.seen[kind] += 1
        seconds = self.chance.choice([2.0, 6.0, 20.0, 60.0, self.chance.uniform(1, 600)])
        if kind in TROUBLES:
            TROUBLES[kind](self, seconds)
        else:
            self._exchange_trouble(kind, seconds)
        return seconds + self.chance.choice([1.0, 30.0, 120.0, self.chance.uniform(10, 900)])

    def _exchange_trouble(self, kind: str, seconds: float) -> None:
        self.exchange.fault = kind
        both = self.chance.random() < 0.6
        self.exchange.faulty_hosts = frozenset([HOST, FALLBACK] if both else [HOST])
        rest = BLOCK_RECOVERY_SECONDS if kind.startswith("blocked") else 2_000.0 if kind in _LONG_WAITS else 60.0
        self._over_in(seconds, lambda: setattr(self.exchange, "fault", None), rest)

    def _over_in(self, seconds: float, end: Callable[[], None], rest: float = 0.0) -> None:
        self.time.call_in(seconds, end)
        self._calm_from = max(self._calm_from, self.time.monotonic() + seconds + rest)

    def _replace(self, fetcher: SimulatedFetcher) -> None:
        fetcher.kill()
        if fetcher in self.fetchers:  # it may have been killed while it was being stopped
            self.fetchers[self.fetchers.index(fetcher)] = SimulatedFetcher(self, self.chance)

    def _kill(self, seconds: float) -> None:
        fetcher = self.chance.choice(self.fetchers)
        fetcher.kill()
        self._over_in(min(seconds, 30), lambda: self._replace(fetcher))

    def _stop(self, seconds: float) -> None:
        fetcher = self.chance.choice(self.fetchers)
        fetcher.is_told_to_stop = True
        self._over_in(10 + min(seconds, 30), lambda: self._replace(fetcher))

    def _freeze(self, seconds: float) -> None:
        fetcher = self.chance.choice(self.fetchers)
        length = self.chance.choice([3.0, 8.0, 11.0, 14.0, seconds])
        if self.chance.random() < 0.5:
            fetcher.freeze(length)
        else:
            fetcher.freeze_with_an_answer_in_hand(length)
        self._over_in(length + 10, lambda: None)

    def _cut_off(self, seconds: float) -> None:
        fetcher = self.chance.choice(self.fetchers)
        fetcher.is_cut_off = True
        self._over_in(seconds, lambda: setattr(fetcher, "is_cut_off", False))

    def _lose_cache(self, seconds: float) -> None:
        self.cache.is_away = True
        self._over_in(seconds, lambda: setattr(self.cache, "is_away", False))

    def _empty_cache(self, seconds: float) -> None:
        self.cache.lose_lease()
        self.cache.status = None
        self._forget_reports()
        self._over_in(0, lambda: None)

    def _lose_all(self, seconds: float) -> None:
        """Empty Redis and kill the active fetcher: of a ban or a wait the standby alone still knows, and must."""
        self._empty_cache(seconds)
        for fetcher in filter(lambda fetcher: fetcher.believes_to_be_active, self.fetchers):
            fetcher.kill()
            self._over_in(30, partial(self._replace, fetcher))

    def _fill_cache(self, seconds: float) -> None:
        self.cache.refuses_status = True
        self._over_in(seconds, lambda: setattr(self.cache, "refuses_status", False))

    def _move_wall_clock(self, seconds: float) -> None:
        self.wall_clock_error_ms = self.chance.choice([0, 3_600_000, -3_600_000, 250, -250])
        self._forget_reports()  # waits are reported as instants of a clock that is no longer theirs
        self._over_in(0, lambda: None)

    def _move_exchange_clock(self, seconds: float) -> None:
        self.exchange.clock_error_ms = self.chance.choice([0, 600_000, -600_000])

    def _delist(self, seconds: float) -> None:
        asset = self.chance.choice(ASSETS)
        self.exchange.unknown.add(f"{asset}USDT")
        self._settled_from[f"{asset}/USDT"] = self.time.monotonic() + seconds + QUARANTINE_SECONDS
        self.time.call_in(seconds, lambda: self.exchange.unknown.discard(f"{asset}USDT"))

    def _forget_reports(self) -> None:
        """Let those off who start from now on; whoever has read of a wait before is held to it as ever."""
        for refusal in self.exchange.refusals:
            refusal.is_reported = False


_LONG_WAITS = ("rate limited", "banned")
TROUBLES: dict[str, Callable[[World, float], None]] = {
    "a fetcher is killed": World._kill,
    "a fetcher is stopped": World._stop,
    "a fetcher is frozen": World._freeze,
    "a fetcher is cut off from Redis": World._cut_off,
    "Redis is away": World._lose_cache,
    "Redis is restarted empty": World._empty_cache,
    "Redis is restarted empty and the active fetcher is killed": World._lose_all,
    "Redis refuses reports": World._fill_cache,
    "our clock jumps": World._move_wall_clock,
    "the exchange's clock is wrong": World._move_exchange_clock,
    "a symbol is unknown": World._delist,
}
