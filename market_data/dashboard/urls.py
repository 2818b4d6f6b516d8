from django.urls import path

from market_data.dashboard.views import dashboard

urlpatterns = [path("", dashboard, name="dashboard")]
