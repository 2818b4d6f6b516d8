"""Ask the configured hosts of the exchange, once, whether they can be reached from here."""

import contextlib
import queue
import threading
import time
from collections.abc import Sequence

import requests

PING_PATH = "/api/v3/ping"
REQUEST_TIMEOUT_SECONDS = 3.0
DECISION_DEADLINE_SECONDS = 5.0  # looking up a name has no time-out of its own, so nobody waits for its end


def probe_hosts(base_urls: Sequence[str], deadline_seconds: float = DECISION_DEADLINE_SECONDS) -> dict[str, str | None]:
    """Ask all hosts at the same time; return how each failed, None where it answered as the exchange does.

    Once one has answered, nobody waits for the others, and those not heard by then are left out.
    """
    answers: queue.SimpleQueue[tuple[str, str | None]] = queue.SimpleQueue()
    for base_url in base_urls:
        threading.Thread(target=lambda url=base_url: answers.put((url, _failure(url))), daemon=True).start()
    heard: dict[str, str | None] = {}
    deadline = time.monotonic() + deadline_seconds
    with contextlib.suppress(queue.Empty):
        while len(heard) < len(base_urls):
            base_url, failure = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            heard[base_url] = failure
            if failure is None:
                return heard
    return {base_url: heard.get(base_url, f"no answer within {deadline_seconds:g} s") for base_url in base_urls}


def _failure(base_url: str) -> str | None:
    try:
        response = requests.get(base_url + PING_PATH, timeout=REQUEST_TIMEOUT_SECONDS)
        if not response.ok:
            return f"answers with status {response.status_code}"
        return None if isinstance(response.json(), dict) else "answers, but not as the exchange does"
    except requests.JSONDecodeError:
        return "answers, but not as the exchange does"
    except requests.RequestException as error:
        return _innermost_reason(error)


def _innermost_reason(error: BaseException) -> str:
    """Return what the operating system or the TLS library said, without the layers that pass it on."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
