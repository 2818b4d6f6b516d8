from django.apps import AppConfig
from django.core import checks


class MarketDataConfig(AppConfig):
    name = "market_data"
    verbose_name = "Market data"

    def ready(self) -> None:
        from market_data.checks import check_settings

        checks.register(check_settings)
