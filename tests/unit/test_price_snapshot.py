"""Snapshots of the cache, on a clock that the tests move: how old they get, and how often Redis is asked."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_data.api.prices import prices_response
from market_data.ticker.record import StoredTicker, TickerRecord
from market_data.ticker.source import Source
from market_data.ticker_cache.bounded_memo import BoundedMemo
from market_data.ticker_cache.errors import CacheUnavailableError
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.snapshot import PriceSnapshot, PriceSnapshots
from tests.fakes import MovableClock, app_settings

MAX_AGE_MS = 250
SETTINGS = app_settings(TRADING_PAIRS="BTC/USD,ETH/USD")
PAIRS = SETTINGS.trading_pairs


class Store:
    """Redis as the snapshots see it: records with a life, counted reads that may take time or fail."""

    def __init__(self, clock: MovableClock) -> None:
        self._clock = self.clock = clock
        self.records: dict[str, StoredTicker] = {}
        self._ends_at_ms: dict[str, int] = {}
        self.reads = 0
        self.read_seconds = 0.0
        self.failure: str | None = None
        self.last_source: Source | None = None
        self.gate: threading.Event | None = None
        self.entered = threading.Event()

    def put(self, pair: str, price: int = 1, way_ms: int = 0) -> None:
        """Write a record whose life began `way_ms` after its receipt, for so long it was on its way into Redis."""
        number = Decimal(price)
        record = TickerRecord(pair, number, number, self._clock.now_ms(), number, number, number)
        stored = StoredTicker.from_raw(pair, record.encode())
        assert stored is not None
        self.records[pair] = stored
        self._ends_at_ms[pair] = stored.received_at_ms + SETTINGS.cache_ttl_ms + way_ms

    def current(self, pair: str) -> StoredTicker | None:
        found = self.records.get(pair)
        return found if found and self._clock.now_ms() <= self._ends_at_ms[pair] else None

    def read(self, pairs, *, include_last_known: bool = False) -> CacheReading:
        self.reads += 1
        current = {pair: found for pair in pairs if (found := self.current(pair))}
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        self._clock.advance(self.read_seconds)
        if self.failure is not None:
            raise CacheUnavailableError(self.failure)
        self.last_source = Source.BINANCE
        return CacheReading(
            current, {pair: self.records[pair] for pair in pairs if pair in self.records}, Source.BINANCE
        )


class Site:
    """The snapshots of a process over a store, and the answers out of them."""

    def __init__(self, max_age_ms: int = MAX_AGE_MS) -> None:
        self.clock = MovableClock()
        self.store = Store(self.clock)
        self.snapshots = PriceSnapshots(
            self.store,  # type: ignore[arg-type]
            PAIRS,
            max_age_ms=max_age_ms,
            monotonic=self.clock.monotonic,
        )

    def ask(self, query: str = "", if_none_match: str | None = None):
        snapshot, now_ms = self.snapshots.current()
        return prices_response(query, snapshot, now_ms, if_none_match, None, SETTINGS)


@pytest.fixture
def site() -> Site:
    return Site()


def test_however_many_ask_redis_is_read_once_an_interval(site: Site) -> None:
    site.store.put("BTC/USD")
    for _ in range(4 * MAX_AGE_MS):
        for _ in range(5):
            site.ask("pairs=BTC/USD")
        site.clock.advance(0.001)

    assert site.store.reads == 4


def test_a_failed_read_counts_for_the_interval_too_and_is_told_at_once(site: Site) -> None:
    site.store.failure, site.store.read_seconds = "no answer", 0.5
    first = site.ask("pairs=BTC/USD")
    before = site.clock.monotonic()
    again = [site.ask("pairs=BTC/USD") for _ in range(100)]

    assert {answer.status for answer in (first, *again)} == {503}
    assert b"no answer" in first.body
    assert (site.store.reads, site.clock.monotonic()) == (1, before)
    site.clock.advance(0.26)
    site.store.failure, site.store.read_seconds = None, 0.0
    site.store.put("BTC/USD")
    assert site.ask("pairs=BTC/USD").status == 200


def test_those_who_come_during_a_read_get_what_it_brings() -> None:
    site = Site()
    site.store.put("BTC/USD")
    site.store.gate = threading.Event()
    with ThreadPoolExecutor(8) as readers:
        answers = [readers.submit(site.ask, "pairs=BTC/USD") for _ in range(8)]
        assert site.store.entered.wait(10)
        site.store.gate.set()

    assert {answer.result().status for answer in answers} == {200}
    assert site.store.reads == 1


def test_while_redis_is_known_to_be_out_of_reach_only_one_reader_waits_for_it() -> None:
    site = Site()
    site.store.failure = "refused"
    site.ask()
    site.clock.advance(1)
    site.store.gate = threading.Event()
    site.store.entered.clear()
    with ThreadPoolExecutor(1) as prober:
        probe = prober.submit(site.ask)
        assert site.store.entered.wait(10)
        assert site.ask().status == 503
        site.store.gate.set()
        assert probe.result().status == 503
    assert site.store.reads == 2


def test_a_redis_slower_than_the_interval_is_still_read_once_for_a_request() -> None:
    site = Site()
    site.store.put("BTC/USD")
    site.store.read_seconds = 0.4

    assert site.ask("pairs=BTC/USD").status == 200
    assert site.store.reads == 1


def test_without_an_interval_every_request_reads(site: Site) -> None:
    site = Site(max_age_ms=0)
    for _ in range(3):
        site.ask()
        site.clock.advance(0.001)

    assert site.store.reads == 3


MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 4_000)),
        st.tuples(st.just("jump"), st.just(SETTINGS.cache_ttl_ms - 100)),
        st.tuples(st.just("put"), st.tuples(st.sampled_from(PAIRS), st.sampled_from([0, 1, 40, 1_000]))),
        st.tuples(st.just("ask"), st.sampled_from(["", "maxStaleMs=100", "maxStaleMs=60000", "pairs=ETH/USD"])),
    ),
    max_size=40,
)


@settings(max_examples=300)
@given(MOVES)
def test_an_answer_is_one_that_redis_gave_within_the_interval_and_never_shows_an_expired_price_as_current(
    moves,
) -> None:
    site = Site()
    held: list[tuple[int, dict[str, bytes]]] = [(site.clock.now_ms(), {})]
    for move, detail in moves:
        if move in ("wait", "jump"):
            site.clock.advance(detail / 1000)
        elif move == "put":
            pair, way_ms = detail
            site.store.put(pair, price=len(held), way_ms=way_ms)
            held.append((site.clock.now_ms(), {pair: found.raw for pair, found in site.store.records.items()}))
        else:
            answer = site.ask(detail)
            now_ms = site.clock.now_ms()
            if answer.status == 503:
                continue
            may_be_stored = "s-maxage=1" in dict(answer.headers)["Cache-Control"]
            max_stale_ms = int(detail.removeprefix("maxStaleMs=")) if detail.startswith("maxStaleMs") else 0
            for pair, record in json.loads(answer.body).items():
                age_ms = now_ms - record["timestamp"]
                lives = SETTINGS.cache_ttl_ms, SETTINGS.cache_ttl_ms + max_stale_ms
                assert not may_be_stored or not any(age_ms <= life_ms < age_ms + 1_000 for life_ms in lives)
                assert record.pop("stale", False) is (age_ms > SETTINGS.cache_ttl_ms)
                possible = [
                    texts.get(pair)
                    for (_, texts), (ended_at, _) in zip(held, [*held[1:], (now_ms + 1, {})], strict=True)
                    if ended_at >= now_ms - MAX_AGE_MS
                ]
                assert record in [json.loads(text) for text in possible if text]


@given(st.integers(1, 249))
def test_a_price_that_expires_in_memory_is_last_known_from_that_millisecond_on(left_ms: int) -> None:
    site = Site()
    site.store.put("BTC/USD")
    site.clock.advance((SETTINGS.cache_ttl_ms - left_ms) / 1000)
    assert site.ask("pairs=BTC/USD").status == 200
    site.clock.advance(left_ms / 1000)
    assert site.ask("pairs=BTC/USD").status == 200
    assert b"stale" not in site.ask("pairs=BTC/USD&maxStaleMs=1000").body
    site.clock.advance(0.001)

    assert site.ask("pairs=BTC/USD").status == 503
    assert b'"stale":true' in site.ask("pairs=BTC/USD&maxStaleMs=1000").body
    assert site.store.reads <= 2


def test_a_price_without_a_life_in_redis_ends_with_its_life(site: Site) -> None:
    site.store.put("BTC/USD")
    old = site.store.records["BTC/USD"]
    site.clock.advance(15.001)
    snapshot = PriceSnapshot(CacheReading({"BTC/USD": old}, {}, Source.BINANCE), Source.BINANCE)

    responses = [
        prices_response(f"pairs=BTC/USD&maxStaleMs={max_stale}", snapshot, site.clock.now_ms(), None, None, SETTINGS)
        for max_stale in (0, 1)
    ]
    assert [response.status for response in responses] == [503, 200]
    assert old.raw_marked_stale in responses[1].body


def test_pairs_that_are_not_configured_are_missing_and_make_redis_be_read_no_more_often(site: Site) -> None:
    site.store.put("BTC/USD")
    site.store.put("SOL/USD")

    response = site.ask("pairs=SOL/USD,BTC/USD")
    assert (response.status, list(json.loads(response.body))) == (206, ["BTC/USD"])
    assert dict(response.headers)["X-Market-Data-Missing"] == "SOL%2FUSD"
    for number in range(1_000):
        response = site.ask(f"pairs=X{number}/USD,SOL/USD")
        assert (response.status, json.loads(response.body)["unknownPairs"]) == (503, [f"X{number}/USD", "SOL/USD"])
    assert site.store.reads == 1


def test_hostile_queries_leave_a_snapshot_as_small_as_it_may_be(site: Site) -> None:
    for pair in PAIRS:
        site.store.put(pair)
    snapshot, _ = site.snapshots.current()
    for number in range(5_000):
        assert site.ask(f"pairs=BTC/USD&maxStaleMs={number}").status == 200
    site.ask("pairs=" + "%20" * 5_000 + "BTC/USD")

    assert len(snapshot.memo) == 256
    assert site.snapshots.current()[0] is snapshot


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 60))))
def test_a_memo_never_holds_more_entries_or_bytes_than_it_may(puts) -> None:
    memo: BoundedMemo[int] = BoundedMemo(max_entries=5, max_bytes=100)
    for key, size_bytes in puts:
        memo.keep(key, size_bytes, size_bytes)

    kept = [value for value in map(memo.get, range(21)) if value is not None]
    assert len(kept) == len(memo) <= 5
    assert sum(kept) <= 100
    assert (puts == []) == (kept == [])


def test_a_memo_takes_a_newer_value_in_place_of_an_older_one_of_its_key() -> None:
    memo: BoundedMemo[str] = BoundedMemo(max_entries=1, max_bytes=100)
    memo.keep("a", "old", 60)
    memo.keep("a", "new", 100)
    memo.keep("a", "too large", 101)

    assert memo.get("a") == "new"
