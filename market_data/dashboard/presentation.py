"""From a reading of the cache to what the page shows: cards, states and sentences. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.conf.declarations import MarketDataSettings
from market_data.inspection.words import alias_text
from market_data.ticker import number_format
from market_data.ticker.availability import Availability
from market_data.ticker.pairs import split_pair
from market_data.ticker.record import TickerRecord
from market_data.ticker_cache.prices import CacheReading
from market_data.ticker_cache.status import FetcherStatus, PairStatus

STATUS_WORDS = {"idle": "Idle", "polling": "Live", "stale": "Stale", "unavailable": "Unavailable", "error": "Error"}
STATE_WORDS = {"live": "Live", "stale": "Stale", "missing": "Missing"}
_STATE_NOTES = {"live": "Received", "stale": "Last known price", "missing": "Temporarily unavailable"}
_OUTCOME_NOTES = {"unknown_symbol": "Not listed by the exchange", "not_trading": "Not trading at the exchange"}
_USUAL_LENGTH = 13
ARROWS = {"up": "▲", "down": "▼", "flat": "", "none": ""}
_DIRECTION_WORDS = {
    "up": "Up in 24 hours:",
    "down": "Down in 24 hours:",
    "flat": "Unchanged in 24 hours:",
    "none": "Change in 24 hours:",
}


@dataclass(frozen=True)
class PriceCard:
    """One pair as the page shows it; every figure is text, ready to be read."""

    pair: str
    base_asset: str
    quote_asset: str
    state: str
    note: str
    alias: str
    exchange: str
    price: str
    change: str
    direction: str
    high: str
    low: str
    volume: str
    age: str
    range_percent: int | None

    @property
    def state_word(self) -> str:
        return STATE_WORDS[self.state]

    @property
    def arrow(self) -> str:
        return ARROWS[self.direction]

    @property
    def price_length(self) -> str:
        """`long` for a price that needs smaller letters to fit a card, otherwise `usual`."""
        return "long" if len(self.price) > _USUAL_LENGTH else "usual"

    @property
    def direction_words(self) -> str:
        """What the arrow and the colour say, for those who see neither."""
        return _DIRECTION_WORDS[self.direction]


@dataclass(frozen=True)
class MarketPrices:
    """The page's component: its state as a whole and its cards."""

    status: str
    summary: str
    cards: Sequence[PriceCard]

    @property
    def status_word(self) -> str:
        return STATUS_WORDS[self.status]


def shown_prices(
    pairs: Sequence[str], reading: CacheReading, now_ms: int, settings: MarketDataSettings
) -> dict[str, Availability]:
    """Return what the page shows of each pair: the current price, or the last known one, which is marked."""
    return {pair: reading.availability(pair, now_ms, settings, settings.last_known_ttl_ms) for pair in pairs}


def market_prices(
    shown: Mapping[str, Availability], fetcher_status: FetcherStatus | None, stale_threshold_ms: int
) -> MarketPrices:
    """Return what the page says of these pairs."""
    known = fetcher_status.pairs if fetcher_status else {}
    cards = [_card(pair, found, known.get(pair), stale_threshold_ms) for pair, found in shown.items()]
    counts = {state: sum(card.state == state for card in cards) for state in STATE_WORDS}
    status = _status(shown, counts)
    return MarketPrices(status, summary(status, counts), cards)


def summary(status: str, counts: Mapping[str, int]) -> str:
    """Return one sentence for the state as a whole; `counts` says how many pairs are live, stale and missing."""
    if status == "idle":
        return "No pairs are configured."
    if status == "unavailable":
        kept = " The last known ones are shown." if counts["stale"] else ""
        return f"Prices are temporarily unavailable.{kept}"
    parts = [f"{counts['live']} of {sum(counts.values())} prices current"]
    parts += [f"{counts[state]} {state}" for state in ("stale", "missing") if counts[state]]
    return ", ".join(parts) + "."


def pair_note(state: str, outcome: str | None) -> str:
    """Return what is said about a pair; `outcome` is that of its last refresh, where it is known."""
    if state != "live" and outcome in _OUTCOME_NOTES:
        return _OUTCOME_NOTES[outcome]
    return _STATE_NOTES[state]


def _status(shown: Mapping[str, Availability], counts: Mapping[str, int]) -> str:
    if not shown:
        return "idle"
    if not any(found.is_current for found in shown.values()):
        return "unavailable"
    return "stale" if counts["stale"] else "polling"


def _card(pair: str, found: Availability, pair_status: PairStatus | None, stale_threshold_ms: int) -> PriceCard:
    state = _pair_state(found, stale_threshold_ms)
    record = found.ticker.decode() if found.ticker else None
    base_asset, quote_asset = split_pair(pair)
    change = record.change_24h_percent if record else None
    outcome = pair_status.outcome if pair_status else None
    return PriceCard(
        pair=pair,
        base_asset=base_asset,
        quote_asset=quote_asset,
        state=state,
        note=pair_note(state, outcome),
        alias=_alias(pair, pair_status),
        exchange=record.exchange.capitalize() if record and record.exchange else "",
        price=number_format.format_price(record.price if record else None),
        change=number_format.format_change(change),
        direction=number_format.change_direction(change),
        high=number_format.format_price(record.high_24h if record else None),
        low=number_format.format_price(record.low_24h if record else None),
        volume=number_format.format_compact(record.volume if record else None),
        age=number_format.MISSING if found.age_ms is None else number_format.format_age(found.age_ms),
        range_percent=_range_percent(record),
    )


def _alias(pair: str, status: PairStatus | None) -> str:
    return alias_text(pair, status.quote_asset, status.alias_rate) if status and status.is_quote_alias else ""


def _pair_state(found: Availability, stale_threshold_ms: int) -> str:
    if found.age_ms is None:
        return "missing"
    return "live" if found.is_current and found.age_ms <= stale_threshold_ms else "stale"


def _range_percent(record: TickerRecord | None) -> int | None:
    return number_format.range_position(record.price, record.low_24h, record.high_24h) if record else None
