from django.urls import path

from market_data.api.views import HealthView, HistoryView, InitView, PairsView, PricesView, UnknownPathView

urlpatterns = [
    path("prices", PricesView.as_view(), name="prices"),
    path("history", HistoryView.as_view(), name="history"),
    path("init", InitView.as_view(), name="init"),
    path("health", HealthView.as_view(), name="health"),
    path("pairs", PairsView.as_view(), name="pairs"),
    path("<path:unknown>", UnknownPathView.as_view()),
]
