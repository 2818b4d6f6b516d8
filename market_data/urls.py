"""Everything that the app serves: `include("market_data.urls")`."""

from django.urls import include, path

app_name = "market_data"
urlpatterns = [
    path("api/market-data/", include("market_data.api.urls")),
    path("", include("market_data.dashboard.urls")),
]
