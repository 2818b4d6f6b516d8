"""Who asked the exchange when: fetchers are told apart by the pairs, or their order, in what they ask for."""

from collections.abc import Sequence

from exchange_simulator.request_log import LoggedRequest, RequestLog

Owner = tuple[str, ...]


def ticker_requests(log: RequestLog) -> list[LoggedRequest]:
    return log.last(path_ending="ticker/24hr")


def owner(request: LoggedRequest) -> Owner:
    return request.symbols or ()


def overlaps(log: RequestLog) -> list[tuple[Owner, Owner]]:
    """Return every two requests of different fetchers of which one began before the other was answered."""
    asked = ticker_requests(log)
    return [
        (owner(one), owner(next_one))
        for number, one in enumerate(asked)
        for next_one in asked[number + 1 :]
        if owner(one) != owner(next_one)
        and next_one.received_monotonic < (one.finished_monotonic or next_one.received_monotonic)
    ]


def owners_in_turn(asked: Sequence[LoggedRequest]) -> list[Owner]:
    """Return who asked, in order, each reign once."""
    owners = [owner(request) for request in asked]
    return [one for number, one in enumerate(owners) if number == 0 or owners[number - 1] != one]
