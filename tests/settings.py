"""The site's settings as the tests see them: independent of the developer's environment and `.env`."""

import os

from market_data.conf.declarations import SETTINGS
from nexusmeme.environment import SITE_SETTINGS

for _name in (*SITE_SETTINGS, *(setting.name for setting in SETTINGS.values())):
    os.environ.pop(_name, None)
# What was written for one exchange holds for Binance alone; several are `test_several_exchanges.py`'s business.
os.environ |= {"MARKET_DATA_EXCHANGES": '["binance"]'}
os.environ |= {"ENV_FILE": os.devnull, "SECRET_KEY": "for-tests-only", "DATABASE_URL": "sqlite://:memory:"}

from nexusmeme.settings import *  # noqa: E402, F403
