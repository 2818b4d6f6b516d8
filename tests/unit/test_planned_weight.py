import pytest

from market_data.aggregator.planned_weight import planned_weight
from market_data.exchanges.binance.exchange import Binance
from tests.fakes import app_settings


@pytest.mark.parametrize(
    ("symbols", "requests", "weight", "per_minute"),
    [(0, 0, 0, 0), (4, 1, 2, 70), (400, 40, 80, 1240), (2000, 1, 80, 1240)],
)
def test_a_configuration_costs_what_the_plan_of_its_requests_costs_and_the_statuses(
    symbols, requests, weight, per_minute
):
    planned = planned_weight(Binance(), [f"A{number}USDT" for number in range(symbols)], app_settings())

    assert (planned.requests_per_cycle, planned.weight_per_cycle, planned.per_minute) == (requests, weight, per_minute)
