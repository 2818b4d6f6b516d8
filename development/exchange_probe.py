"""Ask the configured hosts of the exchange, once, whether they can be reached from here."""

import queue
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import requests
from urllib3.exceptions import NameResolutionError

PING_PATH = "/api/v3/ping"
REQUEST_TIMEOUT_SECONDS = 3.0
DECISION_DEADLINE_SECONDS = 5.0

_STATUS_MEANINGS = {
    403: "its firewall rejects requests from this address",
    418: "this address is banned for the time being",
    429: "this address has used up its request weight",
    451: "the exchange does not serve this location",
}


@dataclass(frozen=True)
class HostProbe:
    """What one host said; `failure` is None where it answered as the exchange does."""

    base_url: str
    failure: str | None


def probe_hosts(base_urls: Sequence[str], deadline_seconds: float = DECISION_DEADLINE_SECONDS) -> tuple[HostProbe, ...]:
    """Ask all hosts at the same time and return as soon as one answers, or after the deadline.

    The hosts that were not heard by then are left out once another has answered, and count as silent otherwise.
    """
    answers: queue.Queue[HostProbe] = queue.Queue()
    for base_url in base_urls:
        # Looking up a name has no time limit of its own, hence threads that nobody waits for.
        threading.Thread(target=lambda url=base_url: answers.put(_probe(url)), daemon=True).start()
    heard: dict[str, HostProbe] = {}
    deadline = time.monotonic() + deadline_seconds
    while len(heard) < len(base_urls):
        try:
            probe = answers.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        heard[probe.base_url] = probe
        if probe.failure is None:
            return tuple(heard.values())
    silence = f"no answer within {deadline_seconds:g} s"
    return tuple(heard.get(base_url, HostProbe(base_url, silence)) for base_url in base_urls)


def _probe(base_url: str) -> HostProbe:
    try:
        response = requests.get(base_url + PING_PATH, timeout=REQUEST_TIMEOUT_SECONDS)
        return HostProbe(base_url, _failure_of_answer(response))
    except requests.RequestException as error:
        return HostProbe(base_url, _failure_of_connection(error))


def _failure_of_answer(response: requests.Response) -> str | None:
    if response.status_code != requests.codes.ok:
        meaning = _STATUS_MEANINGS.get(response.status_code, "not an answer to work with")
        return f"answers with status {response.status_code}: {meaning}"
    try:
        is_exchange = isinstance(response.json(), dict)
    except requests.JSONDecodeError:
        is_exchange = False
    return None if is_exchange else "answers, but not as the exchange does (no JSON object)"


def _failure_of_connection(error: requests.RequestException) -> str:
    causes = _chain(error)
    for kind, meaning in (
        (NameResolutionError, "its name cannot be resolved (DNS)"),
        (requests.exceptions.ProxyError, "the configured proxy cannot be reached or refuses"),
        (requests.exceptions.SSLError, "its TLS certificate or connection is not accepted"),
        (ConnectionRefusedError, "the connection is refused"),
        (requests.Timeout, f"it timed out after {REQUEST_TIMEOUT_SECONDS:g} s"),
        (ConnectionResetError, "the connection was reset"),
    ):
        if any(isinstance(cause, kind) for cause in causes):
            return meaning
    system_errors = [cause.strerror for cause in causes if isinstance(cause, OSError) and cause.strerror]
    return system_errors[-1] if system_errors else f"the connection failed ({type(error).__name__})"


def _chain(error: BaseException) -> list[BaseException]:
    """Return the error with everything that it was raised from or wraps."""
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return found
