"""The exchange simulator's control address, as a drill uses it."""

from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

from exchange_simulator.control import CONTROL_PREFIX
from exchange_simulator.drills.answers import ask

Fault = dict[str, Any]
"""One fault as the control address takes it; see exchange_simulator/README.md."""


class ControlledExchange:
    """Switches faults and reads requests. Every method raises `NoAnswerError`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")

    @property
    def host(self) -> str:
        """Host and port, as `health` names the exchange."""
        return urlsplit(self.base_url).netloc

    @property
    def faults_url(self) -> str:
        return f"{self.base_url}{CONTROL_PREFIX}/faults"

    def is_simulator(self) -> bool:
        """Tell whether the address is a simulator's."""
        return ask(f"{self.base_url}{CONTROL_PREFIX}/").is_simulated

    def faults(self) -> list[Fault]:
        """Return the faults that are on."""
        found: list[Fault] = ask(self.faults_url).content
        return found

    def switch_on(self, fault: Fault) -> None:
        answer = ask(self.faults_url, "POST", fault)
        if answer.status != 200:
            raise ValueError(f"the simulator refuses the fault {fault}: {answer.content}")

    def switch_all_off(self) -> None:
        ask(self.faults_url, "DELETE")

    def longest_silence_after(self, status: int) -> float:
        """Return the seconds from the last answer with this status to the request that followed it, 0 where none did.

        Only tickers count.
        """
        log = ask(f"{self.base_url}{CONTROL_PREFIX}/requests?last=200").content["last"]
        asked = [request for request in log if request["path"].endswith("/ticker/24hr")]
        for request, following in reversed(list(pairwise(asked))):
            if request["status"] == status and request["finished_monotonic"] is not None:
                return float(following["received_monotonic"] - request["finished_monotonic"])
        return 0.0
