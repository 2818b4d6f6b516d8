"""The several names that Kraken gives one market: `BTC/USD`, `XBT/USD`, `XBTUSD` and `XXBTZUSD` are the same.

`BTC/USD` is the name that `assetVersion=1` gives, and the one that everything here goes by. From the lists of 2021
and 2026: only assets of the first years carry a letter in front, and the key has it only where both sides do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_OTHER_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_USUAL_NAMES = {other: usual for usual, other in _OTHER_NAMES.items()}
_LETTERS: Mapping[str, str] = {
    **dict.fromkeys(("BTC", "DOGE", "ETC", "ETH", "LTC", "MLN", "REP", "XLM", "XMR", "XRP", "ZEC"), "X"),
    **dict.fromkeys(("AUD", "CAD", "EUR", "GBP", "JPY", "USD"), "Z"),
}
_KEYS_OF_THEIR_OWN = {"DOGE/USD": "XDGUSD", "DOGE/EUR": "XDGEUR", "USDT/USD": "USDTZUSD"}


def other_name(asset: str) -> str:
    """Return the name of an asset in `altname` and `wsname`."""
    return _OTHER_NAMES.get(asset, asset)


def usual_name(asset: str) -> str:
    return _USUAL_NAMES.get(asset, asset)


def lettered_name(asset: str) -> str:
    """Return the name of an asset in `base` and `quote` without `assetVersion`."""
    return _LETTERS.get(asset, "") + other_name(asset)


@dataclass(frozen=True)
class PairNames:
    """`symbol` is the name with `assetVersion=1`, `key` the one without."""

    symbol: str
    key: str
    altname: str
    wsname: str | None

    @property
    def all(self) -> set[str]:
        names = {self.symbol, self.symbol.replace("/", ""), self.key, self.altname}
        return names if self.wsname is None else names | {self.wsname}


def names_of(symbol: str) -> PairNames:
    """Return the names of a symbol such as `BTC/USD` or `ETH/USD:BTNL`."""
    pair, colon, venue = symbol.partition(":")
    base, _, quote = pair.partition("/")
    suffix = colon + venue
    altname = other_name(base) + other_name(quote) + suffix
    has_letters = base in _LETTERS and quote in _LETTERS and not suffix
    key = lettered_name(base) + lettered_name(quote) if has_letters else altname
    return PairNames(
        symbol, _KEYS_OF_THEIR_OWN.get(symbol, key), altname, f"{other_name(base)}/{other_name(quote)}{suffix}"
    )


def aliases(names: Iterable[PairNames]) -> dict[str, str]:
    """Return the symbol that each name stands for."""
    return {name: pair.symbol for pair in names for name in pair.all}
