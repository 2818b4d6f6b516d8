"""A short name for a configuration: processes with the same one are configured alike. Pure."""

import hashlib
import json
from dataclasses import asdict

from market_data.conf.declarations import SETTINGS, MarketDataSettings

_OF_ONE_PROCESS = ("metrics_folder",)


def configuration_hash(settings: MarketDataSettings) -> str:
    """Return 8 hexadecimal digits over the effective values, but for those that may hold a password."""
    values = asdict(settings)
    counted = {
        setting.name: values[field]
        for field, setting in SETTINGS.items()
        if not setting.is_secret and field not in _OF_ONE_PROCESS
    }
    return hashlib.blake2b(json.dumps(counted, sort_keys=True).encode(), digest_size=4).hexdigest()
