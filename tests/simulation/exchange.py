"""An exchange in simulated time that fails in every way it knows, and notes what each of its customers was told."""

import json
import random
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from market_data.exchanges.errors import ExchangeTimeoutError, ExchangeUnavailableError
from market_data.exchanges.response import HttpResponse
from market_data.exchanges.waits import MAX_RATE_LIMIT_WAIT_SECONDS
from tests.fakes import listed, row
from tests.simulation.virtual_time import VirtualTime

ASSETS = ("BTC", "ETH", "SOL", "ADA")
MIN_FLOOR_SECONDS = 7.5
"""The aggregator's own floor of ten seconds, shortened by as much jitter as there may be."""
_REMEMBERED_PRICES = 2_000
RETRY_AFTER = {"5": 5.0, "90": 90.0, "0": 0.0, "": 0.0, "-3": 0.0, "abc": 0.0, "1000000000": 1e9}


@dataclass
class Refusal:
    """A 429 or 418: nobody who knows of it may ask before its end, an instant of the simulated clock."""

    ends_at: float
    known_to: set[str]
    is_reported: bool = False


class SimulatedExchange:
    """Both hosts of one exchange. `fault` names what is wrong with it, `faulty_hosts` where."""

    def __init__(self, time: VirtualTime, chance: random.Random, now_ms: Callable[[], int]) -> None:
        self._time = time
        self._chance = chance
        self._now_ms = now_ms
        self.clock_error_ms = 0
        self.fault: str | None = None
        self.faulty_hosts: frozenset[str] = frozenset()
        self.unknown: set[str] = set()
        self.refusals: list[Refusal] = []
        self.requests: Counter[str] = Counter()
        self._count = 0
        self._given: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def given(self, symbol: str, price: str) -> tuple[int, float] | None:
        """Return when a price was received, in Unix ms by the customer's clock and as an instant, None where never."""
        return self._given.get((symbol, price))

    def answer(self, customer: str, base_url: str, path: str, deadline: float) -> HttpResponse:
        """Answer as far as the present fault lets it; takes simulated time."""
        self.requests["tickers" if "/ticker/" in path else "lists"] += 1
        fault = self.fault if base_url in self.faulty_hosts else None
        if fault == "refuses connections":
            raise ExchangeUnavailableError("it refuses connections")
        seconds = 3.9 if fault == "slow" else 1e9 if fault == "hangs" else self._chance.uniform(0.02, 0.3)
        remaining = deadline - self._time.monotonic()
        self._time.sleep(min(seconds, remaining))
        if seconds > remaining:
            raise ExchangeTimeoutError("no answer in time")
        status, content, headers = self._content(fault, customer, path)
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        if self.clock_error_ms:
            headers["date"] = formatdate((self._now_ms() + self.clock_error_ms) / 1000, usegmt=True)
        return HttpResponse(base_url, status, headers, body, self._now_ms())

    def _content(self, fault: str | None, customer: str, path: str) -> tuple[int, Any, dict[str, str]]:
        if fault in _STATUS_FAULTS:
            return (*_STATUS_FAULTS[fault], {})
        if fault == "rate limited":
            return self._rate_limited(customer)
        if fault == "banned":
            return self._banned(customer)
        if "/exchangeInfo" in path:
            return 200, {"symbols": [listed(f"{asset}USDT", asset, "USDT") for asset in self._assets()]}, {}
        names = json.loads(unquote(path.partition("symbols=")[2]))
        if any(name in self.unknown for name in names):
            return 400, {"code": -1121, "msg": "Invalid symbol."}, {}
        headers = {"x-mbx-used-weight-1m": str(self._chance.randint(4_700, 5_650))} if fault == "busy" else {}
        return 200, [self._row(name, fault) for name in names if not self._leaves_out(fault)], headers

    def _assets(self) -> list[str]:
        return [asset for asset in ASSETS if f"{asset}USDT" not in self.unknown]

    def _leaves_out(self, fault: str | None) -> bool:
        return fault == "leaves rows out" and self._chance.random() < 0.5

    def _row(self, symbol: str, fault: str | None) -> dict[str, object]:
        if fault == "sends nonsense" and self._chance.random() < 0.5:
            return row(symbol, lastPrice=self._chance.choice(["NaN", "-1", "1e400", "", "0"]))
        self._count += 1
        price = f"{1000 + self._count // 100}.{self._count % 100:02}"
        self._given[symbol, price] = (self._now_ms(), self._time.monotonic())
        if len(self._given) > _REMEMBERED_PRICES:
            self._given.popitem(last=False)
        close_time = self._now_ms() + self.clock_error_ms - 5_000
        return row(symbol, lastPrice=price, highPrice="999999.00", lowPrice="1.00", closeTime=close_time)

    def _rate_limited(self, customer: str) -> tuple[int, Any, dict[str, str]]:
        text, seconds = self._chance.choice(list(RETRY_AFTER.items()))
        self._refuse(customer, min(seconds, MAX_RATE_LIMIT_WAIT_SECONDS) or MIN_FLOOR_SECONDS)
        self.fault = None  # a 429 stands for itself: whoever asks again too early is found out by its refusal
        return 429, {"code": -1003, "msg": "Too much request weight used."}, {"retry-after": text} if text else {}

    def _banned(self, customer: str) -> tuple[int, Any, dict[str, str]]:
        seconds = self._chance.choice([120, 600, 1800])
        self._refuse(customer, seconds - 1.0)  # the header of whole seconds carries no fraction
        self.fault = None
        if self._chance.random() < 0.5:
            return 418, b"", {"retry-after": str(seconds)}
        ends_at_ms = self._now_ms() + self.clock_error_ms + seconds * 1000
        return 418, {"code": -1003, "msg": f"Way too much request weight used; IP banned until {ends_at_ms}."}, {}

    def _refuse(self, customer: str, seconds: float) -> None:
        self.refusals = [refusal for refusal in self.refusals if refusal.ends_at > self._time.monotonic()]
        self.refusals.append(Refusal(self._time.monotonic() + seconds, {customer}))


_STATUS_FAULTS: dict[str | None, tuple[int, Any]] = {
    "fails with JSON": (500, {"code": -1000, "msg": "An unknown error occurred."}),
    "fails with HTML": (502, b"<html>Bad Gateway</html>"),
    "blocked by firewall": (403, b"<html>Forbidden</html>"),
    "blocked by location": (451, {"code": 0, "msg": "Service unavailable from a restricted location."}),
    "sends an empty list": (200, []),
    "sends HTML as success": (200, b"<html>maintenance</html>"),
}
EXCHANGE_FAULTS = (
    "refuses connections", "hangs", "slow", "rate limited", "banned", "busy", "leaves rows out", "sends nonsense",
    *filter(None, _STATUS_FAULTS),
)  # fmt: skip
