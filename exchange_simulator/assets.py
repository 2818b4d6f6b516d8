"""What assets are worth in dollars: the one simulated market behind every exchange of a process."""

import math
import re
from collections.abc import Mapping
from random import Random

from exchange_simulator.wander import Wander

DOLLAR = "USD"
LARGEST_DIFFERENCE = 0.0003
"""How far, as a fraction, an exchange's price of an asset is from the market's at the most."""

# About what an asset is worth; its price wanders around it.
DOLLARS: Mapping[str, float] = {
    "USD": 1.0, "USDT": 0.9997, "USDC": 0.9999, "FDUSD": 0.9998, "BUSD": 1.0, "DAI": 1.0001,
    "EUR": 1.0812, "GBP": 1.2641, "TRY": 0.0325, "BRL": 0.2017, "IDRT": 0.00006335,
    "BTC": 43_240.0, "ETH": 2_650.0, "BNB": 312.0, "SOL": 101.2, "XRP": 0.5231, "ADA": 0.5132, "DOGE": 0.08231,
    "SHIB": 0.00002417, "PEPE": 0.00000121, "XMR": 113.4, "LUNA": 0.0002, "HOT": 0.00173, "币安人生": 0.1234,
    "1000SATS": 0.0002214, "1INCH": 0.4121, "T": 0.02451, "LTC": 71.4, "TRX": 0.1174, "LINK": 18.62,
    "AVAX": 39.3, "DOT": 7.21, "UNI": 7.44, "XLM": 0.1121, "ETC": 24.1, "ZEC": 21.9, "AAVE": 91.0, "ALGO": 0.182,
    "BCH": 262.0, "CRV": 0.523, "MATIC": 0.841, "AAPLx": 189.3, "TSLAx": 204.8,
}  # fmt: skip
_STEADINESS: Mapping[str, float] = {
    **dict.fromkeys(("USDT", "USDC", "FDUSD", "BUSD", "DAI"), 0.004),
    **dict.fromkeys(("EUR", "GBP", "TRY", "BRL", "IDRT"), 0.08),
}
_SIMULATED_NAME = re.compile(r"SIM(\d{4,})")
_OTHER_DOLLARS = 0.37


class Assets:
    """Prices by the time since the start, in ms: the same seed gives the same prices."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._wanders: dict[str, Wander] = {}

    def dollars(self, asset: str, ms: int) -> float:
        return _mean_dollars(asset) * math.exp(self._wander(asset).at(ms)) if asset != DOLLAR else 1.0

    def _wander(self, asset: str) -> Wander:
        if asset not in self._wanders:
            self._wanders[asset] = Wander(f"{self._seed}:{asset}", _STEADINESS.get(asset, 1.0))
        return self._wanders[asset]

    def difference(self, exchange: str, asset: str) -> float:
        """Return the factor by which an exchange's price of an asset differs from the market's."""
        if asset == DOLLAR:
            return 1.0
        return 1.0 + Random(f"{self._seed}:{exchange}:{asset}").uniform(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)


def _mean_dollars(asset: str) -> float:
    number = _SIMULATED_NAME.fullmatch(asset)
    if number is None:
        return DOLLARS.get(asset, _OTHER_DOLLARS)
    return float(10.0 ** (int(number[1]) % 9 - 5) * 1.37)
