"""The error answers of Kraken: status 200, and a list of texts in place of a result."""

from exchange_simulator.answers import Answer, RequestRefusedError

JSON_TYPE = "application/json"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
INVALID_ARGUMENTS = "EGeneral:Invalid arguments"
TOO_MANY_REQUESTS = "EGeneral:Too many requests"
UNAVAILABLE = "EService:Unavailable"
INTERNAL_ERROR = "EGeneral:Internal error"


def error_answer(*errors: str, status: int = 200) -> Answer:
    return Answer(status, {"error": list(errors)}, content_type=JSON_TYPE)


def refused(error: str) -> RequestRefusedError:
    return RequestRefusedError(error_answer(error))
