"""`GET metrics`: cache-only, and never an error because of what it measures."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from market_data.conf.loading import get_settings
from market_data.metrics.hand_over import is_installed, open_served_metrics
from market_data.ticker_cache.cache import open_ticker_cache

_NOT_INSTALLED = "prometheus-client is not installed: python -m pip install 'nexusmeme-market-data[metrics]'\n"


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer in Prometheus' text format; 501 where the package for it is missing, which the app does not need."""
    if not is_installed():
        return HttpResponse(_NOT_INSTALLED, status=501, content_type="text/plain; charset=utf-8")
    served = open_served_metrics()  # before anything else imports prometheus_client
    from market_data.metrics.exposition import CONTENT_TYPE, exposition

    text = exposition(open_ticker_cache(), served, get_settings())
    return HttpResponse(text, content_type=CONTENT_TYPE)
