"""Questions over HTTP to the web server and to the simulator's control address, answered in bounded time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests

from exchange_simulator.exchange import SOURCE, SOURCE_HEADER

TIMEOUT_SECONDS = 5.0


class NoAnswerError(Exception):
    """Nothing that makes sense came from the address; the message names it."""


@dataclass(frozen=True)
class WebAnswer:
    """An answer whose body was JSON."""

    status: int
    headers: Mapping[str, str]
    content: Any

    @property
    def source(self) -> str | None:
        return self.headers.get(SOURCE_HEADER)

    @property
    def is_simulated(self) -> bool:
        return self.source == SOURCE


def ask(url: str, method: str = "GET", content: object = None) -> WebAnswer:
    """Return the answer, whatever its status; raise `NoAnswerError`. Proxies of the environment are left aside."""
    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.request(method, url, json=content, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        return WebAnswer(answer.status_code, answer.headers, answer.json())
    except requests.JSONDecodeError:
        raise NoAnswerError(f"{url} answered {answer.status_code} with something other than JSON") from None
    except (requests.RequestException, UnicodeError) as error:
        raise NoAnswerError(f"{url} gives no answer ({type(error).__name__})") from None
