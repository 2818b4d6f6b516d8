"""Kraken's names of assets and pairs. Pure.

`AssetPairs` gives `wsname` like `XBT/USD`; `Ticker?assetVersion=1` has keys like `BTC/USD`; requests take `XBTUSD`. A
symbol here is the key, with the assets as users write them. Source: Kraken's REST documentation and recorded answers.
"""

_USUAL = {"XBT": "BTC", "XDG": "DOGE"}
_KRAKENS = {usual: kraken for kraken, usual in _USUAL.items()}


def assets_of(wsname: str) -> tuple[str, str] | None:
    """Return base and quote asset, None for a name that is not one asset before and one after a slash."""
    base, slash, quote = wsname.partition("/")
    if not (base and slash and quote) or "/" in quote or ":" in quote:
        return None
    return _USUAL.get(base, base), _USUAL.get(quote, quote)


def query_name(symbol: str) -> str:
    """Return the name by which a request asks for a symbol."""
    return "".join(_KRAKENS.get(asset, asset) for asset in symbol.split("/"))
