"""Faults of an answer as a whole: its status and its body."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exchange_simulator.answers import HTML_TYPE, JSON_TYPE, Answer, html_answer
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
)
from exchange_simulator.view import MarketView

MEBIBYTE = 1024 * 1024
REDIRECT_STATUSES = (301, 302, 303, 307, 308)
RETRY_AFTER = Value(optional_text, None)

Apply = Callable[..., Answer]


def answer_kind(name: str, summary: str, apply: Apply, **values: Value) -> FaultKind:
    return FaultKind(name, summary, Stage.ANSWER, apply, values)


def status_kind(error: Callable[[Fault], Answer], **values: Value) -> FaultKind:
    """Make the kind `status`; `error` is the exchange's own form of an error, from a fault with these values."""
    bodies: dict[str, Callable[[Fault], Answer]] = {
        "json": error,
        "html": lambda fault: html_answer(fault["status"], f"{fault['status']} {fault['message']}"),
        "empty": lambda fault: Answer(fault["status"], body=b"", content_type=None),
    }

    def apply(answer: Answer, fault: Fault, view: MarketView) -> Answer:
        return bodies[fault["body"]](fault).with_retry_after(fault["retry_after"])

    return answer_kind(
        "status", "a status code, the body json, html or empty", apply,
        status=Value(integer_between(200, 599)), body=Value(one_of(*bodies), "json"), **values,
        retry_after=RETRY_AFTER,
    )  # fmt: skip


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


def _nested_json(answer: Answer, fault: Fault, view: MarketView) -> Answer:
    return replace(answer, body=b"[" * fault["depth"] + b"]" * fault["depth"])


# Every exchange has these. Faults are applied in the order of their kinds: first rows, then bodies, and last what
# replaces the whole answer, so that it ends whatever was done to it.
BODY_FAULTS = (
    answer_kind("cut_json", "the JSON ends early, its Content-Length fitting", _cut_json,
                fraction=Value(number_between(0, 1), 0.5)),
    answer_kind("huge_body", "the body is longer by that many mebibytes of blanks", _huge_body,
                mebibytes=Value(number_between(0, 256), 20)),
    answer_kind("nested_json", "the body is arrays in arrays", _nested_json,
                depth=Value(integer_between(1, 1_000_000), 100_000)),
    answer_kind("json_body", "200 with this value as JSON", _json_body, value=Value(anything, [])),
    answer_kind("raw_body", "the body is this text", _raw_body,
                text=Value(str), content_type=Value(optional_text, JSON_TYPE)),
    answer_kind("html_body", f"200 with a page of {HTML_TYPE}", _html_body),
    answer_kind("empty_body", "an empty body called JSON", _empty_body),
)  # fmt: skip
LAST_FAULTS = (
    answer_kind("firewall", "403 with an HTML page and no Retry-After", _firewall),
    answer_kind("redirect", "3xx with a Location, the address that was asked for null", _redirect,
                status=Value(_redirect_status, 302), location=Value(_location, None)),
)  # fmt: skip
