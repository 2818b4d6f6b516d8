"""From pairs to the symbols that price them, through the exchanges' own lists. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market_data.aggregator.routing import Candidate
from market_data.exchanges.protocol import Exchange
from market_data.exchanges.symbols import SymbolList
from market_data.ticker.outcome import PairOutcome
from market_data.ticker.pairs import split_pair
from market_data.ticker_cache.status import PairStatus


@dataclass(frozen=True, slots=True)
class ListedAt:
    """An exchange with its list of symbols, None while there is none."""

    exchange: Exchange
    symbols: SymbolList | None


@dataclass(frozen=True, slots=True)
class ResolvedPair:
    """Who can price a pair, in order: first those that list it, then those that list it in an alias of its quote asset.

    `refusal` says why nobody can, where there is no candidate.
    """

    pair: str
    base_asset: str
    quote_asset: str
    candidates: tuple[Candidate, ...]
    refusal: PairOutcome | None = None

    @property
    def first(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None


def resolve_pair(
    pair: str, exchanges: Sequence[ListedAt], aliases: Mapping[str, str], known: PairStatus | None = None
) -> ResolvedPair:
    """Return the candidates of a pair among the exchanges, in their order.

    Where an exchange has no list, what an earlier fetcher knew stands in, else its own way to form a symbol.
    """
    base, quote = split_pair(pair)
    alias = aliases.get(quote)
    candidates: list[Candidate] = []
    is_listed = False
    for quote_asset in (quote, alias) if alias else (quote,):
        for listed_at in exchanges:
            name, is_alias = listed_at.exchange.name, quote_asset != quote
            if listed_at.symbols is None:
                symbol = _symbol_on_trust(
                    listed_at.exchange, base, quote_asset, has_alias=bool(alias) and not is_alias, known=known
                )
            else:
                listed = listed_at.symbols.find(base, quote_asset)
                is_listed = is_listed or listed is not None
                symbol = listed.symbol if listed and listed.is_trading else None
            if symbol is not None:
                candidates.append(Candidate(name, symbol, quote_asset, is_alias))
    refusal = None if candidates else PairOutcome.NOT_TRADING if is_listed else PairOutcome.UNKNOWN_SYMBOL
    return ResolvedPair(pair, base, quote, tuple(candidates), refusal)


def _symbol_on_trust(
    exchange: Exchange, base: str, quote_asset: str, *, has_alias: bool, known: PairStatus | None
) -> str | None:
    if known is not None and known.exchange == exchange.name:
        return known.symbol if known.quote_asset == quote_asset and known.outcome != PairOutcome.NOT_TRADING else None
    return exchange.usual_symbol(base, quote_asset, has_alias=has_alias)


def doubt_about(
    now: SymbolList,
    before: SymbolList | None,
    *,
    pairs: Sequence[str],
    wanted: Sequence[str],
    aliases: Mapping[str, str],
) -> str | None:
    """Return why a new list is not to be trusted at once, or None: it lacks most of what there was, or is wanted.

    `wanted` are the pairs that a first list must have. Pairs that the list before did not have either are no sign
    against the new one.
    """
    if before is not None and len(now) < len(before) / 2:
        return f"the list of symbols has shrunk from {len(before)} to {len(now)}"
    expected = wanted if before is None else [pair for pair in pairs if _is_listed(pair, before, aliases)]
    lacking = [pair for pair in expected if not _is_listed(pair, now, aliases)]
    if len(lacking) > len(expected) / 2:
        return f"the list of symbols lacks {len(lacking)} of {len(expected)} pairs, {lacking[0]} among them"
    return None


def _is_listed(pair: str, symbols: SymbolList, aliases: Mapping[str, str]) -> bool:
    base, quote = split_pair(pair)
    return any(symbols.find(base, asset) for asset in (quote, aliases.get(quote)) if asset)
