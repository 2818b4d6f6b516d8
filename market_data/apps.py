from django.apps import AppConfig
from django.core import checks


class MarketDataConfig(AppConfig):
    name = "market_data"
    verbose_name = "Market data"

    def ready(self) -> None:
        from market_data.checks import check_settings
        from market_data.metrics.tallies import open_served_tallies
        from market_data.metrics.worker_files import Publishing

        checks.register(check_settings)
        open_served_tallies().on_new_row = Publishing().begin
