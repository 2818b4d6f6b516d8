"""The page's logic in Node.js; `node --test tests/javascript/*.test.js` does the same by hand, from Node.js 20.19 on.

Here it is the one that Playwright brings, which is there wherever the tests are. That of Debian 12 is too old to know
how browsers write numbers.
"""

import json
import os
import random
import subprocess
from decimal import Decimal
from pathlib import Path

import playwright

from market_data.ticker.number_format import format_change, format_compact, format_price

NODE = Path(playwright.__file__).parent / "driver" / "node"
REPOSITORY = Path(__file__).resolve().parents[2]
NUMBER_FORMAT = REPOSITORY / "market_data" / "static" / "market_data" / "number-format.js"


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "NO_COLOR": "1"}
    return subprocess.run(
        [NODE, *arguments], cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def test_the_javascript_tests_pass() -> None:
    files = sorted(str(path) for path in (REPOSITORY / "tests" / "javascript").glob("*.test.js"))
    assert files

    ran = node("--test", "--test-reporter=spec", *files)

    assert ran.returncode == 0, f"{ran.stdout}\n{ran.stderr}"


def test_any_figure_of_an_exchange_reads_alike_from_server_and_script() -> None:
    chance = random.Random(20)
    digits = [(chance.randrange(10 ** chance.randint(1, 20)), chance.randint(0, 12)) for _ in range(500)]
    figures = [f"{chance.choice(('', '-'))}{Decimal(number).scaleb(-scale):f}" for number, scale in digits]
    script = f"""
        import {{ formatChange, formatCompact, formatPrice }} from {json.dumps(NUMBER_FORMAT.as_uri())}
        const written = {json.dumps(figures)}.map((text) =>
          [formatPrice, formatChange, formatCompact].map((write) => write(text, "en-US")))
        console.log(JSON.stringify(written))
    """

    ran = node("--input-type=module", "--eval", script)

    assert ran.returncode == 0, ran.stderr
    servers = [[write(Decimal(text)) for write in (format_price, format_change, format_compact)] for text in figures]
    assert json.loads(ran.stdout) == servers
