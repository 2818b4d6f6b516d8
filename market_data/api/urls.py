"""The endpoints, with their whole address: what includes them adds no step to the search for the hottest, the first."""

from django.urls import path

from market_data.api.views import HealthView, HistoryView, InitView, PairsView, PricesView, UnknownPathView

_ROOT = "api/market-data/"

urlpatterns = [
    path(f"{_ROOT}prices", PricesView.as_view(), name="prices"),
    path(f"{_ROOT}history", HistoryView.as_view(), name="history"),
    path(f"{_ROOT}init", InitView.as_view(), name="init"),
    path(f"{_ROOT}health", HealthView.as_view(), name="health"),
    path(f"{_ROOT}pairs", PairsView.as_view(), name="pairs"),
    path(f"{_ROOT}<path:unknown>", UnknownPathView.as_view()),
]
