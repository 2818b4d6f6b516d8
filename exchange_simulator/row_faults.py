"""Faults of the rows in an answer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exchange_simulator.answers import Answer
from exchange_simulator.fault_kinds import Fault, FaultKind, Stage, Value, anything, text_list
from exchange_simulator.tickers import Row
from exchange_simulator.view import MarketView, NamedRow

Apply = Callable[..., Answer]


def _changed(answer: Answer, view: MarketView, change: Callable[[list[NamedRow]], list[NamedRow]]) -> Answer:
    """Replace the tickers of an answer; an answer that carries none stays as it is."""
    rows = view.rows(answer.payload)
    return replace(answer, payload=view.with_rows(answer.payload, change(rows))) if rows else answer


def _row_change(change: Callable[[Row, Fault], list[Any]]) -> Apply:
    """Make a fault of a change to one row; it strikes the named symbols' rows, or every row."""

    def apply(answer: Answer, fault: Fault, view: MarketView) -> Answer:
        def change_all(rows: list[NamedRow]) -> list[NamedRow]:
            struck = ((symbol, row, symbol is not None and fault.concerns(symbol)) for symbol, row in rows)
            return [
                (symbol, new)
                for symbol, row, is_struck in struck
                for new in (change(row, fault) if is_struck else [row])
            ]

        return _changed(answer, view, change_all)

    return apply


def _without_field(row: Row, fault: Fault) -> list[Any]:
    return [{key: value for key, value in row.items() if key != fault["field"]}]


def _extra_rows(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    def add(rows: list[NamedRow]) -> list[NamedRow]:
        there = {symbol for symbol, _ in rows}
        wanted = fault["extra"] or [name for name in view.market.symbols(view.world) if name not in there][:1]
        return [*rows, *((name, row) for name in wanted if (row := view.row(name)) is not None)]

    return _changed(answer, view, add)


def _reversed_rows(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return _changed(answer, view, lambda rows: rows[::-1])


def row_faults(price_field: str, wrong_price: Any) -> tuple[FaultKind, ...]:
    """Return the kinds that every exchange has; both values are what `field_value` takes where it is not told."""
    field = Value(str, price_field)
    return (
        _kind("field_value", "a field of the rows has this value, of any JSON type",
              _row_change(lambda row, fault: [{**row, fault["field"]: fault["value"]}]),
              field=field, value=Value(anything, wrong_price)),
        _kind("missing_field", "a field of the rows is not there", _row_change(_without_field), field=field),
        _kind("missing_rows", "rows are left out", _row_change(lambda row, fault: [])),
        _kind("repeated_rows", "rows come twice", _row_change(lambda row, fault: [row, row])),
        _kind("null_rows", "rows are null", _row_change(lambda row, fault: [None])),
        _kind("extra_rows", "rows that were not asked for are added", _extra_rows, extra=Value(text_list, ())),
        _kind("reversed_rows", "rows come in the opposite order", _reversed_rows),
    )  # fmt: skip


def _kind(name: str, summary: str, apply: Apply, **values: Value) -> FaultKind:
    return FaultKind(name, summary, Stage.ANSWER, apply, values)
