"""Everything that the app serves: `include("market_data.urls")`."""

from market_data.api import urls as api
from market_data.dashboard import urls as dashboard

app_name = "market_data"
urlpatterns = [*api.urlpatterns, *dashboard.urlpatterns]
