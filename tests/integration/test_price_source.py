"""The price source of the read path's benchmark, for peers that fetch prices themselves."""

import json
import urllib.request
from urllib.parse import urlsplit

from benchmarks.read_path.price_source import price_source
from development.loopback import is_free


def test_a_price_source_tells_the_newest_prices_and_is_gone_at_its_end() -> None:
    newest = {"price": 1}
    with price_source(lambda: json.dumps(newest)) as address:
        for price in (1, 2):
            newest["price"] = price
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert json.load(answer) == {"price": price}

    assert is_free(urlsplit(address).port or 0)
