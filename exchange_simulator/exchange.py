"""The simulated exchange without its wire: one request in, one answer out."""

import threading
from collections.abc import Callable, Sequence
from email.utils import formatdate

from exchange_simulator.answer_faults import banned, rate_limited
from exchange_simulator.answers import Answer, error_answer, html_answer
from exchange_simulator.endpoints import ENDPOINTS, MarketView, is_weight_limit
from exchange_simulator.errors import RequestRefusedError
from exchange_simulator.fault_kinds import Fault
from exchange_simulator.faults import Faults, answer_under, world_under
from exchange_simulator.market import Market
from exchange_simulator.parameters import Parameters
from exchange_simulator.request_log import LoggedRequest, RequestLog
from exchange_simulator.weights import Verdict, WeightCounter, request_weight

DEFAULT_WEIGHT_LIMIT = 6000
LONGEST_QUERY_CHARACTERS = 16_000
SOURCE_HEADER, SOURCE = "X-Market-Data-Source", "simulator"
USED_WEIGHT_HEADERS = ("X-MBX-USED-WEIGHT", "X-MBX-USED-WEIGHT-1M")


class SimulatedExchange:
    """`faults`, `requests` and `weights` are what the control address switches and shows."""

    def __init__(self, market: Market, *, now_ms: Callable[[], int], weight_limit: int | None = None) -> None:
        self.market = market
        self.faults = Faults()
        self.requests = RequestLog(now_ms=now_ms)
        self.weights = WeightCounter(weight_limit or _listed_weight_limit(market))
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def receive(
        self, path: str, query: str, *, method: str = "GET", user_agent: str = ""
    ) -> tuple[LoggedRequest, list[Fault]]:
        """Enter a request into the log; return it with the faults that strike it."""
        request = self.requests.start(path, query, method=method, user_agent=user_agent)
        return request, self.faults.take(path, request.symbols)

    def answer(self, request: LoggedRequest, faults: Sequence[Fault]) -> Answer:
        """Return the answer as of now, with the headers that every answer of the exchange carries."""
        request.weight = request_weight(request.path, request.symbol_count)
        with self._lock:
            now_ms = self._now_ms()
            view = MarketView(self.market, now_ms, world_under(faults), self.weights.limit, request.target)
            verdict = self.weights.count(request.weight, now_ms, set_to=view.world.used_weight)
            answer = answer_under(faults, self._honest_answer(request, view, verdict), view)
        return answer.with_headers(
            {
                "Date": formatdate(view.exchange_time_ms / 1000, usegmt=True),
                SOURCE_HEADER: SOURCE,
                **dict.fromkeys(USED_WEIGHT_HEADERS, str(verdict.used_weight)),
            }
        )

    def _honest_answer(self, request: LoggedRequest, view: MarketView, verdict: Verdict) -> Answer:
        if verdict.is_refused:
            return self._refusal(view, verdict)
        endpoint = ENDPOINTS.get(request.path)
        if endpoint is None:
            return html_answer(404, "404 Not Found")
        if request.method != "GET":
            return html_answer(405, "405 Not Allowed")
        if len(request.query) > LONGEST_QUERY_CHARACTERS:
            return html_answer(414, "414 Request-URI Too Large")
        try:
            return Answer(200, endpoint(view, Parameters(request.query)))
        except RequestRefusedError as error:
            return error_answer(error.status, error.code, error.message)

    def _refusal(self, view: MarketView, verdict: Verdict) -> Answer:
        retry_after = str(verdict.retry_after_seconds)
        if verdict.ban_until_ms is None:
            return rate_limited(self.weights.limit, retry_after)
        return banned(verdict.ban_until_ms + view.world.clock_offset_ms, retry_after)


def _listed_weight_limit(market: Market) -> int:
    limits = [row.get("limit") for row in market.rate_limits if is_weight_limit(row)]
    return next((limit for limit in limits if isinstance(limit, int) and limit > 0), DEFAULT_WEIGHT_LIMIT)
