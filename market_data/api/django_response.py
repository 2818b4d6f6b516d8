"""An answer as Django's response, without its checks of header after header."""

from collections.abc import Iterable

from django.http import HttpResponse
from django.http.response import ResponseHeaders

from market_data.api.response import JSON_TYPE, Answer


class AnswerResponse(HttpResponse):
    """Status, body and headers of an answer; the headers are ASCII of our own making and need no check."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, content_type=JSON_TYPE[1], status=answer.status)
        self.headers = _OwnHeaders(answer.headers)


class _OwnHeaders(ResponseHeaders):
    def __init__(self, headers: Iterable[tuple[str, str]]) -> None:
        self._store = {name.lower(): (name, value) for name, value in headers}
