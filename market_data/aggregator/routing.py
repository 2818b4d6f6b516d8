"""Which exchange delivers a pair: the first that can, another while that one fails, back after it has been good. Pure.

Instants are seconds of a monotonic clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

GOOD_SECONDS = 60.0
"""So long an exchange must be good before it gets a pair back that another one has taken over."""
_MOST_DOUBLINGS = 5
_FORGIVEN_AFTER_SECONDS = 3600.0
_FAILING_SECONDS = 15.0
"""Who failed so short a time ago is not turned to in need."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An exchange that lists a pair, and the symbol by which it does. An alias prices it in another quote asset."""

    exchange: str
    symbol: str
    quote_asset: str
    is_alias: bool = False


@dataclass(slots=True)
class _Trial:
    """How a candidate fares: good without a break since, when it failed last, when and how often it lost the pair."""

    good_since: float | None = None
    failed_at: float | None = None
    lost_at: float | None = None
    losses: int = 0

    def is_failing(self, now: float) -> bool:
        return self.failed_at is not None and now - self.failed_at < _FAILING_SECONDS

    def has_lost(self, now: float) -> None:
        is_soon = self.lost_at is not None and now - self.lost_at < _FORGIVEN_AFTER_SECONDS
        self.losses = self.losses + 1 if is_soon else 1
        self.lost_at, self.good_since = now, None

    def has_been_good_enough(self, now: float) -> bool:
        """Twice as long is wanted after every loss within an hour, so that changes an hour are few."""
        if self.good_since is None:
            return False
        wanted = GOOD_SECONDS * 2 ** min(self.losses - 1, _MOST_DOUBLINGS) if self.losses else 0.0
        return now - self.good_since >= wanted


@dataclass(slots=True)
class _Route:
    delivering: Candidate
    trials: dict[Candidate, _Trial] = field(default_factory=dict)

    def trial(self, candidate: Candidate) -> _Trial:
        return self.trials.setdefault(candidate, _Trial())


class Routing:
    """Remembers for each pair who delivers it, and how the others fare who list it too."""

    def __init__(self) -> None:
        self._routes: dict[str, _Route] = {}

    def delivering(self, pair: str) -> Candidate:
        """Return who delivers a pair that was asked for."""
        return self._routes[pair].delivering

    def to_ask(self, pair: str, candidates: Sequence[Candidate], now: float) -> Sequence[Candidate]:
        """Return who delivers the pair, after those who come before and have to show that they are good again.

        At the start that is the first candidate, and where it is none any more, the first one again.
        """
        route = self._routes.get(pair)
        if route is None:
            route = self._routes[pair] = _Route(candidates[0])
        elif route.delivering not in candidates:
            route.trial(route.delivering).has_lost(now)
            route.delivering = candidates[0]
        return candidates[: candidates.index(route.delivering) + 1]

    def has_price(self, pair: str, candidate: Candidate, candidates: Sequence[Candidate], now: float) -> bool:
        """Note a live price; tell whether it is to be written, because this candidate delivers the pair from now on."""
        route = self._routes[pair]
        trial = route.trial(candidate)
        trial.failed_at = None
        trial.good_since = now if trial.good_since is None else trial.good_since
        is_before = candidates.index(candidate) < candidates.index(route.delivering)
        if is_before and (trial.has_been_good_enough(now) or route.trial(route.delivering).is_failing(now)):
            route.delivering = candidate
        return route.delivering == candidate

    def has_failed(
        self, pair: str, candidate: Candidate, candidates: Sequence[Candidate], now: float, *, is_loss: bool
    ) -> Candidate | None:
        """Note that no price came; return who delivers the pair instead, None where nothing changes.

        `is_loss` is false for a candidate that has yet to become complete: it need not prove itself afterwards.
        """
        route = self._routes[pair]
        trial = route.trial(candidate)
        trial.failed_at, trial.good_since = now, None
        others = [other for other in candidates if not route.trial(other).is_failing(now)]
        if candidate != route.delivering or not others:
            return None
        if is_loss:
            trial.has_lost(now)
        route.delivering = others[0]
        return others[0]
