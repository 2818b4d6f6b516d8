"""How each exchange says the same things, for the tests that every exchange's folder has to pass.

A fourth exchange adds a class here and a line to `SPOKEN`; nothing else in the suite changes.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from market_data.exchanges.binance.exchange import Binance
from market_data.exchanges.bitstamp.exchange import Bitstamp
from market_data.exchanges.kraken.exchange import Kraken
from market_data.exchanges.protocol import Exchange
from market_data.exchanges.response import HttpResponse

HOST = "https://exchange.test"
NOW_MS = 1_700_000_000_000
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"


@dataclass
class Market:
    """One market as the tests speak of it."""

    base: str
    quote: str
    price: str = "43250.10"
    volume: str = "28500.5000"
    high: str = "43500.0"
    low: str = "42900.0"
    is_open: bool = True
    is_dead: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


def response(content: object, status: int = 200, **headers: str) -> HttpResponse:
    body = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=False).encode()
    names = {"date": DATE} | {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(HOST, status, names, body, NOW_MS)


class Spoken(Protocol):
    """The wire format of one exchange. Responses carry a `Date`."""

    exchange: Exchange
    rate_limited: HttpResponse
    unavailable: HttpResponse
    has_candles: bool

    def symbol(self, base: str, quote: str) -> str: ...

    def tickers(self, markets: list[Market], **headers: str) -> HttpResponse: ...

    def listing(self, markets: list[Market]) -> HttpResponse: ...

    def unknown(self, markets: list[Market], unknown: str) -> HttpResponse:
        """Return the answer to a request for these markets and one that the exchange does not have."""
        ...


class SpokenBinance:
    exchange = Binance()
    has_candles = False
    rate_limited = response({"code": -1003, "msg": "Too much request weight used."}, 429, retry_after="7")
    unavailable = response({"code": -1016, "msg": "This service is no longer available."}, 503)

    def symbol(self, base: str, quote: str) -> str:
        return base + quote

    def tickers(self, markets: list[Market], **headers: str) -> HttpResponse:
        return response([self._row(market) for market in markets], **headers)

    def listing(self, markets: list[Market]) -> HttpResponse:
        symbols = [
            {
                "symbol": self.symbol(market.base, market.quote),
                "status": "TRADING" if market.is_open else "BREAK",
                "baseAsset": market.base,
                "quoteAsset": market.quote,
                **market.extra,
            }
            for market in markets
        ]
        return response({"symbols": symbols})

    def unknown(self, markets: list[Market], unknown: str) -> HttpResponse:
        return response({"code": -1121, "msg": "Invalid symbol."}, 400)

    def _row(self, market: Market) -> dict[str, Any]:
        zero = "0.00000000"
        row = {
            "symbol": self.symbol(market.base, market.quote),
            "lastPrice": zero if market.is_dead else market.price,
            "priceChangePercent": "0.000" if market.is_dead else "2.500",
            "highPrice": zero if market.is_dead else market.high,
            "lowPrice": zero if market.is_dead else market.low,
            "volume": zero if market.is_dead else market.volume,
            "bidPrice": zero if market.is_dead else market.price,
            "askPrice": zero if market.is_dead else market.price,
            "closeTime": NOW_MS - 5_000,
            "firstId": -1 if market.is_dead else 17,
        }
        return row | market.extra


class SpokenKraken:
    exchange = Kraken()
    has_candles = True
    rate_limited = response({"error": ["EGeneral:Too many requests"]})
    unavailable = response({"error": ["EService:Unavailable"]})

    def symbol(self, base: str, quote: str) -> str:
        return f"{base}/{quote}"

    def tickers(self, markets: list[Market], **headers: str) -> HttpResponse:
        rows = {self.symbol(market.base, market.quote): self._row(market) for market in markets}
        return response({"error": [], "result": rows}, **headers)

    def listing(self, markets: list[Market]) -> HttpResponse:
        theirs = {"BTC": "XBT", "DOGE": "XDG"}
        pairs = {
            f"X{market.base}Z{market.quote}": {
                "altname": theirs.get(market.base, market.base) + market.quote,
                "wsname": f"{theirs.get(market.base, market.base)}/{theirs.get(market.quote, market.quote)}",
                "aclass_base": "currency",
                "base": f"X{market.base}",
                "aclass_quote": "currency",
                "quote": f"Z{market.quote}",
                "status": "online" if market.is_open else "cancel_only",
                **market.extra,
            }
            for market in markets
        }
        return response({"error": [], "result": pairs})

    def unknown(self, markets: list[Market], unknown: str) -> HttpResponse:
        return response({"error": ["EQuery:Unknown asset pair"]})

    def _row(self, market: Market) -> dict[str, Any]:
        zero = "0.00000000"
        price, volume = (zero, zero) if market.is_dead else (market.price, market.volume)
        high, low = (zero, zero) if market.is_dead else (market.high, market.low)
        row = {
            "a": [price, "1", "1.000"],
            "b": [price, "1", "1.000"],
            "c": [price, "0.1"],
            "v": ["1.0", volume],
            "p": [price, price],
            "t": [1, 2],
            "l": ["1.0", low],
            "h": ["99999.0", high],
            "o": "1.0",
        }
        return row | market.extra


class SpokenBitstamp:
    exchange = Bitstamp()
    has_candles = False
    rate_limited = response({"status": "error", "reason": "Too many requests", "response_code": "400.002"}, 400)
    unavailable = response(b"Bitstamp is under scheduled maintenance.", 503)

    def symbol(self, base: str, quote: str) -> str:
        return f"{base}/{quote}"

    def tickers(self, markets: list[Market], **headers: str) -> HttpResponse:
        return response([self._row(market) for market in markets], **headers)

    def listing(self, markets: list[Market]) -> HttpResponse:
        rows = [
            {
                "name": self.symbol(market.base, market.quote),
                "url_symbol": (market.base + market.quote).lower(),
                "trading": "Enabled" if market.is_open else "Disabled",
                **market.extra,
            }
            for market in markets
        ]
        return response(rows)

    def unknown(self, markets: list[Market], unknown: str) -> HttpResponse:
        return self.tickers(markets)

    def _row(self, market: Market) -> dict[str, Any]:
        row = {
            "timestamp": str(NOW_MS // 1000),
            "open": "1",
            "high": "0" if market.is_dead else market.high,
            "low": "0" if market.is_dead else market.low,
            "last": "1.20000" if market.is_dead else market.price,
            "volume": "0" if market.is_dead else market.volume,
            "open_24": "0" if market.is_dead else "42195.22",
            "percent_change_24": "" if market.is_dead else "2.5",
            "market_type": "SPOT",
            "pair": self.symbol(market.base, market.quote),
        }
        return row | market.extra


SPOKEN: tuple[Spoken, ...] = (SpokenBinance(), SpokenKraken(), SpokenBitstamp())
