"""The exchanges that can be simulated, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from exchange_simulator.binance.exchange import BinanceExchange
from exchange_simulator.binance.markets import generate_market as generate_binance_market
from exchange_simulator.binance.recording import read_recording as read_binance_recording
from exchange_simulator.bitstamp.exchange import BitstampExchange
from exchange_simulator.bitstamp.markets import generate_market as generate_bitstamp_market
from exchange_simulator.bitstamp.recording import read_recording as read_bitstamp_recording
from exchange_simulator.exchange import SimulatedExchange
from exchange_simulator.kraken.exchange import KrakenExchange
from exchange_simulator.kraken.markets import generate_market as generate_kraken_market
from exchange_simulator.kraken.recording import read_recording as read_kraken_recording
from exchange_simulator.market import MarketSource


@dataclass(frozen=True)
class ExchangeFormat:
    """`simulate` takes a market and `now_ms`; `read_recording` takes the tickers' file and that of the list.

    `list_option` is the option of the command that names the recorded list.
    """

    simulate: Callable[..., SimulatedExchange]
    generate: Callable[..., MarketSource]
    read_recording: Callable[..., MarketSource]
    list_option: str
    is_list_needed: bool


FORMATS: Mapping[str, ExchangeFormat] = {
    BinanceExchange.name: ExchangeFormat(
        BinanceExchange, generate_binance_market, read_binance_recording, "--exchange-info", is_list_needed=True
    ),
    KrakenExchange.name: ExchangeFormat(
        KrakenExchange, generate_kraken_market, read_kraken_recording, "--asset-pairs", is_list_needed=False
    ),
    BitstampExchange.name: ExchangeFormat(
        BitstampExchange,
        generate_bitstamp_market,
        read_bitstamp_recording,
        "--trading-pairs-info",
        is_list_needed=False,
    ),
}
