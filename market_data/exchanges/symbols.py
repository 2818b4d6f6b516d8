"""An exchange's list of symbols, by name and by assets. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ListedSymbol:
    """One market: the exchange's name of it, and base and quote asset as users write them."""

    symbol: str
    base_asset: str
    quote_asset: str
    is_trading: bool


class SymbolList:
    """Where two symbols have the same assets, the one that trades stands for the pair."""

    def __init__(self, listed: Iterable[ListedSymbol]) -> None:
        self._by_assets: dict[tuple[str, str], ListedSymbol] = {}
        self._by_name: dict[str, ListedSymbol] = {}
        for symbol in listed:
            self._by_name[symbol.symbol] = symbol
            assets = (symbol.base_asset, symbol.quote_asset)
            if symbol.is_trading or assets not in self._by_assets:
                self._by_assets[assets] = symbol

    def __len__(self) -> int:
        return len(self._by_name)

    def updated(self, listed: Iterable[ListedSymbol]) -> "SymbolList":
        """Return the list with these symbols as they are now."""
        return SymbolList({**self._by_name, **{symbol.symbol: symbol for symbol in listed}}.values())

    def find(self, base_asset: str, quote_asset: str) -> ListedSymbol | None:
        return self._by_assets.get((base_asset, quote_asset))

    def is_trading(self, name: str) -> bool:
        symbol = self._by_name.get(name)
        return symbol is not None and symbol.is_trading
