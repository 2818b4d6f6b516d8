from django.urls import path

from market_data.dashboard.views import dashboard, fragment

urlpatterns = [
    path("", dashboard, name="dashboard"),
    path("market-data/embed", fragment, name="embed"),
]
