"""Which versions of what this process runs."""

import platform
from importlib import metadata

from market_data import __version__
from market_data.conf.declarations import MarketDataSettings
from market_data.conf.fingerprint import configuration_hash
from market_data.inspection.facts import Section, plain

_PACKAGES = ("Django", "djangorestframework", "django-redis", "redis", "msgspec", "requests")


def versions_section(settings: MarketDataSettings | None = None) -> Section:
    """Return the versions of the app, Python and the packages that the app needs, and the configuration's hash."""
    configuration = [plain("configuration", "Configuration", configuration_hash(settings))] if settings else []
    facts = [
        plain("marketData", "market_data", __version__),
        *configuration,
        plain("python", "Python", platform.python_version()),
        *(plain(name, name, _version(name)) for name in _PACKAGES),
    ]
    return Section("versions", "Versions", facts)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
