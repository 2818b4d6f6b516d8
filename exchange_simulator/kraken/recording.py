"""Recorded answers of Kraken as the start of a simulated market."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from exchange_simulator.amounts import unit_of, written_decimals
from exchange_simulator.kraken.markets import ONLINE, make_listing
from exchange_simulator.kraken.names import PairNames, aliases, names_of, usual_name
from exchange_simulator.kraken.rows import read_row
from exchange_simulator.market import SHORTEST_PERIOD_MS, Listing, MarketSource, Opening
from exchange_simulator.recording import RecordingError, read_json
from exchange_simulator.recording import read_row as read_recorded_row
from exchange_simulator.tickers import DAY_MS, Ticker


def read_recording(tickers_file: Path, asset_pairs_file: Path | None) -> MarketSource:
    """Read the answers of `Ticker` (the whole market, in either form of names) and `AssetPairs`.

    Markets may occur in one of the two alone. Without AssetPairs the list is made of the tickers' own names, which
    then have to be those of `assetVersion=1`. What was traded seldom moves seldom.
    """
    rows = _result(tickers_file, "Ticker")
    if asset_pairs_file is None:
        listings = [_listing_of(tickers_file, name, rows[name]) for name in rows]
    else:
        pairs = _result(asset_pairs_file, "AssetPairs")
        listings = [_listing(asset_pairs_file, key, row) for key, row in pairs.items()]
    by_symbol: dict[str, Listing] = {listing["symbol"]: listing for listing in listings}
    symbols = aliases(listing["names"] for listing in listings)
    openings = {
        symbol: _opening(tickers_file, symbol, row, by_symbol.get(symbol))
        for symbol, row in ((symbols.get(name, name), row) for name, row in rows.items())
    }
    return MarketSource(list(openings.values()), listings)


def _result(file: Path, what: str) -> dict[str, Any]:
    answer = read_json(file)
    result = answer.get("result") if isinstance(answer, dict) else None
    if not isinstance(result, dict) or not result or not all(isinstance(row, dict) for row in result.values()):
        raise RecordingError(f"{file} is no answer of {what}: expected an object with a result, and a row in it")
    return result


def _listing(file: Path, key: str, row: Mapping[str, Any]) -> Listing:
    def read() -> Listing:
        wsname = row.get("wsname")
        if wsname is None:  # as for the dark pools of 2021, which are no markets of their own
            return make_listing(PairNames(key, key, row["altname"], None), row)
        symbol = "/".join(map(usual_name, wsname.split("/")))
        names = names_of(symbol)
        return make_listing(PairNames(symbol, names.key if "/" in key else key, row["altname"], wsname), row)

    return read_recorded_row(file, key, read, "rows of AssetPairs are wanted")


def _listing_of(file: Path, name: str, row: Mapping[str, Any]) -> Listing:
    """Make a listing of a ticker."""
    base, slash, quote = name.partition(":")[0].partition("/")
    if not (base and slash and quote):
        raise RecordingError(f"{file}: {name!r} names no base and quote asset; give the answer of AssetPairs too")
    decimals = read_recorded_row(file, name, lambda: _used_decimals(row), "rows of Ticker are wanted")
    names = names_of(name)
    known = {"altname": names.altname, "wsname": names.wsname, "aclass_base": "currency", "aclass_quote": "currency"}
    return make_listing(names, {**known, "pair_decimals": decimals, "lot_decimals": 8, "status": ONLINE})


def _used_decimals(row: Mapping[str, Any]) -> int:
    """Return how many decimals a market's prices have: they are written with more, which are always 0."""
    prices = [row[key][0] for key in "abc"] + [row["o"], *row["h"], *row["l"]]
    return max(written_decimals(price.rstrip("0")) for price in prices)


def _opening(file: Path, symbol: str, row: Mapping[str, Any], listing: Listing | None) -> Opening:
    ticker: Ticker = read_recorded_row(file, symbol, lambda: read_row(symbol, row), "rows of Ticker are wanted")
    pair_decimals = listing["row"].get("pair_decimals") if listing else None
    decimals = pair_decimals if isinstance(pair_decimals, int) else ticker.price_decimals
    return Opening(
        ticker,
        as_of_ms=0,
        base=listing["base"] if listing else "",
        quote=listing["quote"] if listing else "",
        is_trading=listing is not None and listing["status"] == ONLINE,
        tick=unit_of(min(decimals, ticker.price_decimals)),
        period_ms=max(SHORTEST_PERIOD_MS, DAY_MS // max(1, ticker.count)),
    )
