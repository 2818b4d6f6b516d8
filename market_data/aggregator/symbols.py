"""From pairs to symbols through the exchange's own list, quote aliases included. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.exchanges.symbols import SymbolList
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.status import PairStatus


@dataclass(frozen=True, slots=True)
class ResolvedPair:
    """A pair with the symbol that prices it; `refusal` says why it cannot be priced, where it cannot."""

    pair: str
    symbol: str | None
    base_asset: str
    quote_asset: str
    is_quote_alias: bool
    refusal: PairOutcome | None = None


def resolve_pair(
    pair: str, symbols: SymbolList | None, aliases: Mapping[str, str], known: PairStatus | None = None
) -> ResolvedPair:
    """Return the symbol of a pair: its own, else the alias's.

    Without a list, what an earlier fetcher knew of the pair stands in; without that, the names are joined on trust.
    """
    base, quote = split_pair(pair)
    alias = aliases.get(quote)
    if symbols is None and known is not None and (not known.is_quote_alias or known.quote_asset == alias):
        return _as_known(pair, known)
    if symbols is None:
        return ResolvedPair(pair, base + (alias or quote), base, alias or quote, alias is not None)
    own = symbols.find(base, quote)
    listed = own or (symbols.find(base, alias) if alias else None)
    if listed is None:
        return ResolvedPair(pair, None, base, quote, False, PairOutcome.UNKNOWN_SYMBOL)
    refusal = None if listed.is_trading else PairOutcome.NOT_TRADING
    return ResolvedPair(pair, listed.symbol, base, listed.quote_asset, own is None, refusal)


def doubt_about(
    now: SymbolList, before: SymbolList | None, pairs: Sequence[str], aliases: Mapping[str, str]
) -> str | None:
    """Return why a new list is not to be trusted at once, or None: it lacks most of what there was, or is wanted.

    Pairs that the list before did not have either are no sign against the new one.
    """
    if before is not None and len(now) < len(before) / 2:
        return f"the list of symbols has shrunk from {len(before)} to {len(now)}"
    expected = [pair for pair in pairs if before is None or _is_listed(pair, before, aliases)]
    lacking = [pair for pair in expected if not _is_listed(pair, now, aliases)]
    if len(lacking) > len(expected) / 2:
        return f"the list of symbols lacks {len(lacking)} of {len(expected)} pairs, {lacking[0]} among them"
    return None


def _is_listed(pair: str, symbols: SymbolList, aliases: Mapping[str, str]) -> bool:
    return resolve_pair(pair, symbols, aliases).symbol is not None


def _as_known(pair: str, known: PairStatus) -> ResolvedPair:
    refusal = PairOutcome.UNKNOWN_SYMBOL if known.symbol is None else None
    if known.outcome is PairOutcome.NOT_TRADING:
        refusal = PairOutcome.NOT_TRADING
    return ResolvedPair(pair, known.symbol, known.base_asset, known.quote_asset, known.is_quote_alias, refusal)
