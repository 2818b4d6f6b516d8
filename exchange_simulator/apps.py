from django.apps import AppConfig


class ExchangeSimulatorConfig(AppConfig):
    name = "exchange_simulator"
    verbose_name = "Exchange simulator"
