"""The JSON shapes of the API's answers, as JSON Schema. What the app declares as a struct is taken from there."""

from collections.abc import Mapping
from typing import Any

import msgspec

from market_data.ticker.outcome import PairOutcome
from market_data.ticker.record import FIELDS, REQUIRED, STALE_MARK
from market_data.ticker_cache.status import BackoffStatus, CircuitStatus, ExchangeStatus, FetchStats, RateLimitStatus

Shape = Mapping[str, Any]

TEXT: Shape = {"type": "string"}
TEXT_OR_NULL: Shape = {"type": ["string", "null"]}
BOOLEAN: Shape = {"type": "boolean"}
COUNT: Shape = {"type": "integer", "minimum": 0}
NUMBER: Shape = {"type": "number"}
UNIX_MS: Shape = {"type": "integer", "minimum": 0, "description": "Unix time in ms"}
PAIR: Shape = {"type": "string", "examples": ["BTC/USDT"]}
OUTCOME: Shape = {
    "type": "string",
    "description": "a newer fetcher may report others than these",
    "examples": [outcome.value for outcome in PairOutcome],
}


def object_of(properties: Mapping[str, Shape], optional: tuple[str, ...] = (), *, is_open: bool = False) -> Shape:
    """Return an object with exactly these fields, or with further ones where it is open."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": is_open,
    }


def map_of(values: Shape, names: str = "pair") -> Shape:
    """Return an object whose names are pairs, or what else is said."""
    return {"type": "object", "propertyNames": {"title": names}, "additionalProperties": values}


def list_of(items: Shape) -> Shape:
    """Return an array of such items."""
    return {"type": "array", "items": items}


def struct(kind: type[msgspec.Struct]) -> Shape:
    """Return the shape of a struct as it is written: every field is there, whatever its default."""
    (_,), components = msgspec.json.schema_components([kind], ref_template="{name}")
    own = components.pop(kind.__name__)
    properties = {name: _inlined(shape, components) for name, shape in own["properties"].items()}
    return object_of(properties)


def _inlined(shape: Shape, components: Mapping[str, Shape]) -> Shape:
    shape = {name: value for name, value in shape.items() if name != "default"}
    return components[shape["$ref"]] if "$ref" in shape else shape


RECORD = object_of(
    {
        **{field.name: field.schema for field in FIELDS.values()},
        "pair": {**FIELDS["pair"].schema, **PAIR},
        STALE_MARK: {"const": True, "description": "only with maxStaleMs: this price is past its cache life"},
    },
    optional=(STALE_MARK, *(field.name for attribute, field in FIELDS.items() if attribute not in REQUIRED)),
    is_open=True,  # a fetcher of a newer version may write further fields
)
PRICES = map_of(RECORD)
HISTORY = object_of(
    {
        "intervalMs": {**COUNT, "description": "usual distance of two points; one above 2.5 times that is a gap"},
        "history": map_of(
            {
                "type": "array",
                "description": (
                    "points of Unix ms, price and the exchange that gave it, oldest first; empty where nothing is "
                    "known; an earlier version's points have no exchange"
                ),
                "items": {"type": "array", "items": {"type": ["number", "string"]}, "minItems": 2, "maxItems": 3},
            }
        ),
    }
)
ERROR = object_of({"error": TEXT, "message": TEXT})
UNAVAILABLE = object_of(
    {
        "error": TEXT,
        "message": {**TEXT, "description": "whether prices are missing or the cache cannot be reached"},
        "unavailablePairs": list_of(PAIR),
        "unknownPairs": {**list_of(PAIR), "description": "those that are not configured"},
    }
)
INIT = object_of(
    {
        "status": {"enum": ["ok", "degraded", "unavailable"]},
        "fetcher": object_of(
            {
                "isRunning": BOOLEAN,
                "stats": struct(FetchStats),
                "health": object_of(
                    {
                        "isRunning": BOOLEAN,
                        "cacheAge": {"type": ["integer", "null"], "description": "ms; null while nothing was fetched"},
                        "isCacheStale": BOOLEAN,
                        "fetchSuccessRate": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
                        "lastErrorMessage": TEXT_OR_NULL,
                    }
                ),
            }
        ),
    }
)
EXCHANGE_REPORT = object_of(
    {
        "circuitBreaker": struct(CircuitStatus),
        "rateLimit": struct(RateLimitStatus),
        "exchange": struct(ExchangeStatus),
    }
)
HEALTH = object_of(
    {
        "status": {"enum": ["healthy", "degraded", "unhealthy"]},
        "reasons": {**list_of(TEXT), "description": "whole sentences, for people"},
        "cache": object_of({"isReachable": BOOLEAN, "error": TEXT_OR_NULL}),
        "aggregator": object_of(
            {
                "circuitBreaker": struct(CircuitStatus),
                "rateLimit": struct(RateLimitStatus),
                "exchange": struct(ExchangeStatus),
                "exchanges": {
                    **map_of(EXCHANGE_REPORT, "exchange"),
                    "description": "each by its name; the three above are those of the one that delivers most pairs",
                },
                "priceDoubts": {
                    **list_of(TEXT),
                    "description": "those of the reasons that say why a price may not be what it seems",
                },
                "backoff": struct(BackoffStatus),
                "lease": object_of({"holder": TEXT_OR_NULL, "isHeld": BOOLEAN}),
            }
        ),
        "pairs": object_of(
            {"configured": COUNT, "fresh": COUNT, "stale": COUNT, "missing": COUNT, "outcomes": map_of(OUTCOME)}
        ),
    }
)
PAIRS = object_of(
    {
        "pairs": list_of(
            object_of(
                {
                    "pair": PAIR,
                    "symbol": TEXT_OR_NULL,
                    "baseAsset": TEXT,
                    "quoteAsset": TEXT,
                    "isQuoteAlias": BOOLEAN,
                    "outcome": {**OUTCOME, "type": ["string", "null"]},
                    "exchange": {**TEXT_OR_NULL, "description": "who delivers it; the symbol is the one there"},
                    "standingBy": {**list_of(TEXT), "description": "who could deliver it, too, in their order"},
                    "insteadOf": {**TEXT_OR_NULL, "description": "who should deliver it, where another one does"},
                    "aliasRate": {
                        "type": ["number", "null"],
                        "description": "what one unit of the alias costs in the pair's quote asset, where one tells",
                    },
                    "aliasRateExchange": {**TEXT_OR_NULL, "description": "who tells it"},
                }
            )
        )
    }
)
