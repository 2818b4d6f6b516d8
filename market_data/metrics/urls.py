"""`path("", include("market_data.metrics.urls"))`; keep it from the public, as deploy/nginx/nexusmeme.conf does."""

from django.urls import path

from market_data.metrics.views import metrics

urlpatterns = [path("metrics", metrics, name="market-data-metrics")]
