"""Trouble at the exchange: what is switched on, what must hold, and how it is read."""

from collections.abc import Callable, Mapping, Sequence

from exchange_simulator.drills.drill import Drill
from exchange_simulator.drills.exchange import Fault
from exchange_simulator.drills.rehearsal import Rehearsal
from exchange_simulator.drills.service import Snapshot

TICKERS = "ticker/24hr"
SHORT_OUTAGE_SECONDS = 6.0
OUTAGE_SECONDS = 60.0
REQUESTED_WAIT_SECONDS = 6
BANNED_SECONDS = 6
SYMBOL_RETURN_SECONDS = 150.0
CYCLES_UNTIL_SHOWN = 2
CRASH = 0.4
RECOVERY_AFTER_WAIT_SECONDS = 60.0
UNDER_WAY_MS = 1000
ELSEWHERE = "https://elsewhere.invalid/"


def _whole_outage(
    fault: Fault, outcome: str, *, words: str = "", is_asked_again_soon: bool = True
) -> Callable[[Rehearsal], str]:
    """Every pair fails for a cycle: none looks newer, and the reason is told in words without markup.

    Prices outlive it where the exchange is asked again soon.
    """

    def run(rehearsal: Rehearsal) -> str:
        began_ms = rehearsal.look().prices.now_ms
        rehearsal.exchange.switch_on(fault)
        seen = rehearsal.until(
            lambda seen: set(rehearsal.pairs) <= seen.outcomes.keys() and bool(seen.last_error),
            f"outcome {outcome} of every pair",
        )
        outcomes = {seen.outcomes[pair] for pair in rehearsal.pairs}
        rehearsal.require(outcomes == {outcome}, f"outcome {', '.join(sorted(outcomes))}")
        rehearsal.require(words in seen.last_error and "<" not in seen.last_error, seen.last_error)
        _require_nothing_newer(rehearsal, seen, rehearsal.pairs, began_ms)
        recovered, statuses = rehearsal.recover(), rehearsal.price_statuses
        rehearsal.require(statuses == "200" or not is_asked_again_soon, f"prices answered {statuses}")
        return f"{outcome}; {statuses}; {recovered}"

    return run


def _one_symbol(make_fault: Callable[[str], Fault], outcome: str, seconds: float) -> Callable[[Rehearsal], str]:
    """One symbol fails, the others are fresh in the same cycle; it comes back within so many seconds."""

    def run(rehearsal: Rehearsal) -> str:
        began_ms = rehearsal.look().prices.now_ms
        affected, others = _affected_and_others(rehearsal.symbols)
        rehearsal.exchange.switch_on(make_fault(rehearsal.symbols[affected[0]]))
        seen = rehearsal.until(
            lambda seen: all(seen.outcomes.get(pair) == outcome for pair in affected),
            f"outcome {outcome} of {affected[0]}",
        )
        stray = [pair for pair in others if pair in seen.outcomes]
        rehearsal.require(not stray, f"{', '.join(stray)}: {[seen.outcomes[pair] for pair in stray]}")
        rehearsal.until(lambda seen: _is_newer(seen, others, began_ms), "fresh prices of the others")
        _require_nothing_newer(rehearsal, seen, affected, began_ms)
        return f"{outcome}; others fresh; {rehearsal.recover(seconds)}"

    return run


def _wait_asked_for(fault: Fault, status: int, seconds: int) -> Callable[[Rehearsal], str]:
    """The exchange asks to wait: no request before the wait is over, and prices outlive it."""

    def run(rehearsal: Rehearsal) -> str:
        rehearsal.exchange.switch_on({**fault, "path": TICKERS, "requests": 1})
        seen = rehearsal.until(lambda seen: bool(seen.outcomes), f"the answer {status}")
        rehearsal.require(status != 418 or seen.banned_until is not None, "health does not say until when")
        rehearsal.until(rehearsal.is_well, "fresh prices after the wait", RECOVERY_AFTER_WAIT_SECONDS)
        silence = rehearsal.exchange.longest_silence_after(status)
        rehearsal.require(silence >= seconds, f"the next request came after {silence:.1f} s")
        rehearsal.require(rehearsal.price_statuses == "200", f"prices answered {rehearsal.price_statuses}")
        return f"{next(iter(seen.outcomes.values()))}; no request for {silence:.1f} s; 200"

    return run


def _short_outage(rehearsal: Rehearsal) -> str:
    rehearsal.exchange.switch_on({"kind": "dropped"})
    rehearsal.watch(SHORT_OUTAGE_SECONDS)
    recovered = rehearsal.recover()
    rehearsal.require(rehearsal.price_statuses == "200", f"prices answered {rehearsal.price_statuses}")
    return f"200, oldest {_oldest_seconds(rehearsal):.1f} s; {recovered}"


def _long_outage(rehearsal: Rehearsal) -> str:
    before = rehearsal.look()
    rehearsal.exchange.switch_on({"kind": "dropped"})
    gone = rehearsal.until(lambda seen: seen.prices.status == 503, "503 once prices have expired", OUTAGE_SECONDS)
    marked = rehearsal.marked_prices()
    rehearsal.require(marked.status == 200, f"marked prices answered {marked.status}")
    rehearsal.require(all(row.get("stale") is True for row in marked.records.values()), "old prices without a mark")
    last = [seen.prices for seen in rehearsal.history if seen.prices.records][-1]
    is_true = all(marked.records[pair]["timestamp"] == last.records[pair]["timestamp"] for pair in last.records)
    rehearsal.require(is_true, "marked prices with another timestamp")
    rehearsal.watch(OUTAGE_SECONDS - (gone.at - before.at))
    return f"503 after {gone.at - before.at:.1f} s; marked prices true; {rehearsal.recover()}"


def _price_crash(rehearsal: Rehearsal) -> str:
    pair = rehearsal.pairs[0]
    before = rehearsal.look()
    price = before.prices.records[pair]["price"]
    rehearsal.exchange.switch_on({"kind": "price", "symbols": [rehearsal.symbols[pair]], "multiply": CRASH})
    crash = rehearsal.until(lambda seen: _price(seen, pair) < price * (1 + CRASH) / 2, f"the new price of {pair}")
    cycles = crash.attempts - before.attempts
    rehearsal.require(cycles <= CYCLES_UNTIL_SHOWN + 1, f"shown after {cycles} cycles")  # one may be under way
    rehearsal.make_well()
    rehearsal.until(lambda seen: _price(seen, pair) > price * (1 + CRASH) / 2, f"the former price of {pair}")
    return f"shown after {crash.at - before.at:.1f} s; {rehearsal.recover()}"


def _clock_ahead(rehearsal: Rehearsal) -> str:
    before = rehearsal.look()
    rehearsal.exchange.switch_on({"kind": "clock_offset", "offset_ms": 600_000})
    seen = rehearsal.until(lambda seen: seen.attempts >= before.attempts + 3, "three refresh cycles", OUTAGE_SECONDS)
    rehearsal.require(rehearsal.is_well(seen, before.prices.now_ms), f"{seen.outcomes or seen.health['reasons']}")
    ahead = min(seen.prices.age_ms(pair) for pair in seen.prices.records)
    rehearsal.require(ahead >= 0, f"a price {-ahead} ms in the future")
    return f"200, oldest {_oldest_seconds(rehearsal):.1f} s; {rehearsal.recover()}"


def _oldest_seconds(rehearsal: Rehearsal) -> float:
    return max(seen.prices.oldest_age_ms for seen in rehearsal.history) / 1000


def _affected_and_others(symbols: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return the pairs that share the first symbol, and the rest."""
    first = next(iter(symbols.values()))
    return [pair for pair in symbols if symbols[pair] == first], [pair for pair in symbols if symbols[pair] != first]


def _is_newer(seen: Snapshot, pairs: Sequence[str], since_ms: int) -> bool:
    records = seen.prices.records
    return all(pair in records and records[pair]["timestamp"] > since_ms for pair in pairs)


def _require_nothing_newer(rehearsal: Rehearsal, seen: Snapshot, pairs: Sequence[str], began_ms: int) -> None:
    """Require that no pair got a price from a faulty answer; one under way when the fault began may have come."""
    records = seen.prices.records
    newer = [pair for pair in pairs if pair in records and records[pair]["timestamp"] > began_ms + UNDER_WAY_MS]
    rehearsal.require(not newer, f"a newer price of {', '.join(newer)}")


def _price(seen: Snapshot, pair: str) -> float:
    return float(seen.prices.records[pair]["price"]) if pair in seen.prices.records else float("nan")


EXCHANGE_DRILLS = (
    Drill("outage-6s", "no answer for 6 s", "200 throughout; fresh within 30 s", _short_outage),
    Drill("error-page", "502 with an HTML page", "unavailable, status in words; 200; fresh within 30 s",
          _whole_outage({"kind": "status", "status": 502, "body": "html"}, "unavailable", words="502")),
    Drill("redirect", "301 to another address", "unavailable, 301 in words; not followed; 200; fresh within 30 s",
          _whole_outage({"kind": "redirect", "status": 301, "location": ELSEWHERE}, "unavailable", words="301")),
    Drill("timeout", "answers take 30 s", "timeout; 200; fresh within 30 s",
          _whole_outage({"kind": "latency", "seconds": 30}, "timeout")),
    Drill("rate-limit", "429, Retry-After 6", "no request for 6 s; 200",
          _wait_asked_for({"kind": "rate_limited", "retry_after": str(REQUESTED_WAIT_SECONDS)}, 429,
                          REQUESTED_WAIT_SECONDS)),
    Drill("ban", "418 for 6 s", "no request for 6 s; health says until when; 200",
          _wait_asked_for({"kind": "banned", "seconds": BANNED_SECONDS, "retry_after": str(BANNED_SECONDS)}, 418,
                          BANNED_SECONDS)),
    Drill("geo-block", "451", "blocked, 451 in words; asked again slowly, fresh within 30 s",
          _whole_outage({"kind": "geo_blocked"}, "blocked", words="451", is_asked_again_soon=False)),
    Drill("firewall", "403 with an HTML page", "blocked, 403 in words; asked again slowly, fresh within 30 s",
          _whole_outage({"kind": "firewall"}, "blocked", words="403", is_asked_again_soon=False)),
    Drill("not-a-number", 'prices are "NaN"', "rejected; good values stay; fresh within 30 s",
          _whole_outage({"kind": "field_value", "value": "NaN"}, "rejected")),
    Drill("no-rows", "200 with []", "missing_in_answer; good values stay; fresh within 30 s",
          _whole_outage({"kind": "json_body", "value": [], "path": TICKERS}, "missing_in_answer")),
    Drill("missing-row", "one symbol's row is left out", "missing_in_answer; others fresh; back within 30 s",
          _one_symbol(lambda symbol: {"kind": "missing_rows", "symbols": [symbol]}, "missing_in_answer", 30)),
    Drill("price-crash", "a price falls by 60 %", "shown within two cycles; back likewise", _price_crash),
    Drill("clock-ahead", "the exchange's clock is 10 min ahead", "200; ages stay true", _clock_ahead),
    Drill("outage-60s", "no answer for 60 s", "503, prices marked for maxStaleMs; fresh within 30 s",
          _long_outage, is_long=True),
    Drill("unknown", "one symbol is not known any more", "unknown_symbol; others fresh; back within 150 s",
          _one_symbol(lambda symbol: {"kind": "unknown_symbol", "symbols": [symbol]}, "unknown_symbol",
                      SYMBOL_RETURN_SECONDS), is_long=True),
    Drill("renamed", "one symbol has another name", "unknown_symbol; others fresh; back within 150 s",
          _one_symbol(lambda symbol: {"kind": "renamed_symbol", "names": {symbol: f"NEW{symbol}"}}, "unknown_symbol",
                      SYMBOL_RETURN_SECONDS), is_long=True),
    Drill("halted", "one symbol is halted", "not_trading; others fresh; back within 150 s",
          _one_symbol(lambda symbol: {"kind": "symbol_status", "symbols": [symbol], "status": "HALT"}, "not_trading",
                      SYMBOL_RETURN_SECONDS), is_long=True),
)  # fmt: skip
