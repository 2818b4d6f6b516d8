"""An answer before it is put on the wire."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html"


@dataclass(frozen=True)
class Answer:
    """`payload` is written as JSON; `body`, where it is set, is sent instead, as it stands."""

    status: int = 200
    payload: Any = None
    body: bytes | None = None
    content_type: str | None = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)

    def with_headers(self, headers: Mapping[str, str]) -> "Answer":
        return replace(self, headers={**self.headers, **headers})

    def with_retry_after(self, text: str | None) -> "Answer":
        return self if text is None else self.with_headers({"Retry-After": text})

    def encoded(self) -> bytes:
        """Return the body: names that are not ASCII stay as they are, as the exchanges send them."""
        if self.body is not None:
            return self.body
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()


class RequestRefusedError(Exception):
    """The exchange answers with an error of its own."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.encoded().decode())


def html_answer(status: int, text: str) -> Answer:
    page = f"<html>\r\n<head><title>{text}</title></head>\r\n<body><h1>{text}</h1></body>\r\n</html>\r\n"
    return Answer(status, body=page.encode(), content_type=HTML_TYPE)
