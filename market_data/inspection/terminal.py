"""The inspection as lines of at most 80 columns. Pure."""

from collections.abc import Iterable, Sequence

from market_data.inspection.columns import cell, cut, shown, width, wrapped
from market_data.inspection.facts import Section
from market_data.inspection.inspection import Inspection
from market_data.inspection.pair_rows import PairRow
from market_data.inspection.setting_rows import SettingRow
from market_data.inspection.words import NOTHING
from market_data.ticker.number_format import format_compact
from market_data.ticker.outcome import PairOutcome

COLUMNS = 80
MOST_PAIRS = 20
_TITLE_COLUMNS = 17
_PRICE_COLUMNS = 12
_SOURCE_COLUMNS = 36
_SYMBOL_COLUMNS = 10
_PAIR_HEADS = ("PAIR", "FROM", "SYMBOL", "STATE", "PRICE", "AGE", "LEFT")
_PAIR_COLUMNS = (
    (15, False), (8, False), (_SYMBOL_COLUMNS, False), (17, False), (_PRICE_COLUMNS, True), (6, True), (6, True)
)  # fmt: skip


def inspection_lines(inspection: Inspection, *, is_complete: bool = False) -> list[str]:
    """Return what a terminal shows: all pairs and settings where `is_complete`, else those that somebody should see."""
    head = f"Market data: {inspection.status}"
    return [
        head + inspection.at_text.rjust(COLUMNS - len(head)),
        *(line for reason in inspection.reasons for line in _hanging("  - ", reason.split())),
        "",
        *(line for section in inspection.shown_sections for line in _section(section)),
        "",
        *_pairs(inspection, is_complete),
        *_settings(inspection.settings, is_complete),
    ]


def _hanging(start: str, words: Sequence[str]) -> list[str]:
    lines = wrapped([shown(word) for word in words], COLUMNS - len(start))
    return [(start if number == 0 else " " * len(start)) + line for number, line in enumerate(lines or [""])]


def _section(section: Section) -> list[str]:
    known = [fact for fact in section.facts if fact.text != NOTHING]
    words = [word for fact in known for word in f"{fact.label}: {fact.text};".split()]
    return _hanging(section.title.ljust(_TITLE_COLUMNS), [*words[:-1], *(word.rstrip(";") for word in words[-1:])])


def _pairs(inspection: Inspection, is_complete: bool) -> Iterable[str]:
    rows = inspection.pairs
    if not rows:
        return
    counts = ", ".join(f"{count} {state}" for state, count in inspection.pair_counts.items())
    yield f"Pairs: {len(rows)} configured, {counts}"
    listed = rows if is_complete or len(rows) <= MOST_PAIRS else [row for row in rows if row.is_trouble]
    left_out = 0 if is_complete else max(0, len(listed) - MOST_PAIRS)
    listed = listed[: len(listed) - left_out]
    if listed:
        yield _cells(_PAIR_HEADS)
        yield from map(_pair, listed)
    for text in dict.fromkeys(row.alias_text for row in listed if row.is_quote_alias):
        yield f"* {text}"
    others = len(rows) - len(listed)
    if others:
        yield f"and {others} more{', some of them not fresh' if left_out else ', all fresh'}: --all lists them"
    yield ""


def _pair(row: PairRow) -> str:
    symbol = NOTHING if row.symbol is None else shown(row.symbol)
    if row.is_quote_alias:
        symbol = cut(symbol, _SYMBOL_COLUMNS - 1) + "*"
    price = row.price_text if width(row.price_text) <= _PRICE_COLUMNS else format_compact(row.price)
    state = row.state if row.outcome in (None, PairOutcome.OK) else row.outcome
    exchange = shown(row.exchange or NOTHING)
    return _cells((shown(row.pair), exchange, symbol, str(state), price, row.age_text, row.life_text))


def _cells(texts: Sequence[str]) -> str:
    cells = zip(texts, _PAIR_COLUMNS, strict=True)
    return " ".join(cell(text, columns, is_number=is_number) for text, (columns, is_number) in cells).rstrip()


def _settings(rows: Sequence[SettingRow], is_complete: bool) -> Iterable[str]:
    told = [row for row in rows if is_complete or not row.is_default or row.problems]
    changed = sum(not row.is_default for row in rows)
    yield f"Settings: {len(rows)}, {changed} of them not at their defaults{':' if told else ''}"
    for row in told:
        unit = f" {row.unit}" if row.unit else ""
        source = f"  ({cut(shown(row.source), _SOURCE_COLUMNS)})"
        yield cut(f"  {row.name} = {shown(row.value)}{unit}", COLUMNS - width(source)) + source
        for problem in row.problems:
            yield from _hanging(f"    {row.verdict}: ", problem.split())
