from django.apps import AppConfig
from django.core import checks


class MarketDataConfig(AppConfig):
    name = "market_data"
    verbose_name = "Market data"

    def ready(self) -> None:
        from market_data.api.counters import open_counters
        from market_data.checks import check_settings
        from market_data.metrics import hand_over

        checks.register(check_settings)
        if hand_over.is_installed():
            open_counters().on_new_row = hand_over.begin
