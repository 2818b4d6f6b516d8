"""Faults of an answer: its status, its body, its rows."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from exchange_simulator.answers import HTML_TYPE, JSON_TYPE, Answer, error_answer, html_answer
from exchange_simulator.endpoints import MarketView
from exchange_simulator.fault_kinds import (
    Fault,
    FaultKind,
    Stage,
    Value,
    anything,
    integer_between,
    number_between,
    one_of,
    optional_text,
    text_list,
)
from exchange_simulator.tickers import Row

MEBIBYTE = 1024 * 1024
REDIRECT_STATUSES = (301, 302, 303, 307, 308)

_STATUS_BODIES: Mapping[str, Callable[[Fault], Answer]] = {
    "json": lambda fault: error_answer(fault["status"], fault["code"], fault["message"]),
    "html": lambda fault: html_answer(fault["status"], f"{fault['status']} {fault['message']}"),
    "empty": lambda fault: Answer(fault["status"], body=b"", content_type=None),
}


def _with_retry_after(answer: Answer, text: str | None) -> Answer:
    return answer if text is None else answer.with_headers({"Retry-After": text})


def _status(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return _with_retry_after(_STATUS_BODIES[fault["body"]](fault), fault["retry_after"])


def rate_limited(limit: int, retry_after: str | None) -> Answer:
    text = f"Too much request weight used; current limit is {limit} request weight per 1 MINUTE."
    return _with_retry_after(error_answer(429, -1003, text), retry_after)


def banned(until_ms: int, retry_after: str | None) -> Answer:
    text = f"Way too much request weight used; IP banned until {until_ms}."
    return _with_retry_after(error_answer(418, -1003, text), retry_after)


def _rate_limited(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return rate_limited(view.weight_limit, fault["retry_after"])


def _banned(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    until_ms = view.exchange_time_ms + round(fault["seconds"] * 1000)
    return banned(until_ms, fault["retry_after"])


def _geo_blocked(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return error_answer(451, 0, "Service unavailable from a restricted location.")


def _firewall(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return html_answer(403, "403 Forbidden")


def _redirect(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    page = html_answer(fault["status"], f"{fault['status']} Redirect")
    return page.with_headers({"Location": fault["location"] or view.target})


def _location(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value or not value.isprintable():
        raise ValueError("must be an address in one line, or null for the address that was asked")
    return value


def _redirect_status(value: Any) -> int:
    if value not in REDIRECT_STATUSES or isinstance(value, bool):
        raise ValueError(f"must be one of {', '.join(map(str, REDIRECT_STATUSES))}")
    return int(value)


def _json_body(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return Answer(200, fault["value"])


def _raw_body(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return replace(answer, body=fault["text"].encode(), content_type=fault["content_type"])


def _html_body(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return html_answer(200, "System maintenance")


def _empty_body(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return replace(answer, body=b"")


def _cut_json(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    whole = answer.encoded()
    return replace(answer, body=whole[: int(len(whole) * fault["fraction"])])


def _huge_body(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return replace(answer, body=answer.encoded() + b" " * int(fault["mebibytes"] * MEBIBYTE))


def _change_rows(answer: Answer, change: Callable[[Row], list[Any]]) -> Answer:
    """Replace each ticker of an answer; an answer that carries none stays as it is."""
    if isinstance(answer.payload, list):
        rows = [new for row in answer.payload for new in (change(row) if _is_row(row) else [row])]
        return replace(answer, payload=rows)
    if _is_row(answer.payload):
        return replace(answer, payload=(change(answer.payload) or [{}])[0])
    return answer


def _is_row(value: object) -> bool:
    return isinstance(value, dict) and "symbol" in value


def _row_change(change: Callable[[Row, Fault], list[Any]]) -> Callable[[Answer, Fault, MarketView], Answer]:
    """Make a fault of a change to one row; it strikes the named symbols' rows, or every row."""

    def apply(answer: Answer, fault: Fault, view: MarketView) -> Answer:
        return _change_rows(answer, lambda row: change(row, fault) if fault.concerns(row["symbol"]) else [row])

    return apply


def _without_field(row: Row, fault: Fault) -> list[Any]:
    return [{key: value for key, value in row.items() if key != fault["field"]}]


def _extra_rows(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    if not isinstance(answer.payload, list):
        return answer
    there = {row["symbol"] for row in answer.payload if _is_row(row)}
    wanted = fault["extra"] or [name for name in view.market.symbols(view.world) if name not in there][:1]
    rows = [row for name in wanted if (row := view.row(name)) is not None]
    return replace(answer, payload=[*answer.payload, *rows])


def _reversed_rows(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return replace(answer, payload=answer.payload[::-1]) if isinstance(answer.payload, list) else answer


def _nested_json(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return replace(answer, body=b"[" * fault["depth"] + b"]" * fault["depth"])


def _kind(name: str, summary: str, apply: Callable[..., Answer], **values: Value) -> FaultKind:
    return FaultKind(name, summary, Stage.ANSWER, apply, values)


_RETRY_AFTER = Value(optional_text, None)
_FIELD = Value(str, "lastPrice")

# Applied in this order. Rows come first, for those that replace the whole answer end whatever was done to it.
ANSWER_FAULTS = (
    _kind("field_value", "a field of the rows has this value, of any JSON type",
          _row_change(lambda row, fault: [{**row, fault["field"]: fault["value"]}]),
          field=_FIELD, value=Value(anything, "NaN")),
    _kind("missing_field", "a field of the rows is not there", _row_change(_without_field), field=_FIELD),
    _kind("missing_rows", "rows are left out", _row_change(lambda row, fault: [])),
    _kind("repeated_rows", "rows come twice", _row_change(lambda row, fault: [row, row])),
    _kind("null_rows", "rows are null", _row_change(lambda row, fault: [None])),
    _kind("extra_rows", "rows that were not asked for are added", _extra_rows, extra=Value(text_list, ())),
    _kind("reversed_rows", "rows come in the opposite order", _reversed_rows),
    _kind("cut_json", "the JSON ends early, its Content-Length fitting", _cut_json,
          fraction=Value(number_between(0, 1), 0.5)),
    _kind("huge_body", "the body is longer by that many mebibytes of blanks", _huge_body,
          mebibytes=Value(number_between(0, 256), 20)),
    _kind("nested_json", "the body is arrays in arrays", _nested_json,
          depth=Value(integer_between(1, 1_000_000), 100_000)),
    _kind("json_body", "200 with this value as JSON", _json_body, value=Value(anything, [])),
    _kind("raw_body", "the body is this text", _raw_body,
          text=Value(str), content_type=Value(optional_text, JSON_TYPE)),
    _kind("html_body", f"200 with a page of {HTML_TYPE}", _html_body),
    _kind("empty_body", "an empty body called JSON", _empty_body),
    _kind("status", "a status code, the body json, html or empty", _status,
          status=Value(integer_between(200, 599)), body=Value(one_of(*_STATUS_BODIES), "json"),
          code=Value(integer_between(-99_999, 99_999), -1000),
          message=Value(str, "An unknown error occurred while processing the request."),
          retry_after=_RETRY_AFTER),
    _kind("rate_limited", "429; Retry-After is any text, or left out for null", _rate_limited,
          retry_after=Value(optional_text, "30")),
    _kind("banned", "418; the text names the end of the ban, so many seconds from now", _banned,
          seconds=Value(number_between(0, 1e7), 120), retry_after=Value(optional_text, "120")),
    _kind("geo_blocked", "451 with code 0: a restricted location", _geo_blocked),
    _kind("firewall", "403 with an HTML page and no Retry-After", _firewall),
    _kind("redirect", "3xx with a Location, the address that was asked for null", _redirect,
          status=Value(_redirect_status, 302), location=Value(_location, None)),
)  # fmt: skip
