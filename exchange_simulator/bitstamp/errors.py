"""The error answers of Bitstamp. Its own pages say little of them: see the README for what is a guess."""

from exchange_simulator.answers import HTML_TYPE, Answer

JSON_TYPE = "application/json"
RATE_LIMITED_CODE = "400.002"
RATE_LIMITED_STATUS = 400


def error_answer(status: int, reason: str, code: str | None = None) -> Answer:
    payload = {"status": "error", "reason": reason}
    if code is not None:
        payload["response_code"] = code
    return Answer(status, payload, content_type=JSON_TYPE)


def rate_limited(status: int = RATE_LIMITED_STATUS, code: str = RATE_LIMITED_CODE) -> Answer:
    return error_answer(status, "Request rate limit exceeded.", code)


def maintenance(status: int) -> Answer:
    return Answer(status, body=b"Bitstamp is under scheduled maintenance.", content_type=HTML_TYPE)
