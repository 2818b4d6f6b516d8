"""The pages: one reading of the cache, rendered; from then on their script asks the API."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.http import require_safe

from market_data.api.queries import BadQueryError, bad_query_response, parse_prices_query
from market_data.api.response import NEVER_STORE, OPEN_TO_ANY_PAGE, SOURCE_HEADER, TIME_HEADER, error_response
from market_data.api.views import SentResponse
from market_data.conf.loading import get_settings
from market_data.dashboard.component import Component, read_component
from market_data.ticker_cache.cache import open_ticker_cache

_TAB_ICONS = ("stale", "unavailable", "error")


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """Render the configured pairs; the page answers 200 and says why where the cache cannot be reached."""
    tab_icons = {state: static(f"market_data/favicon-{state}.svg") for state in _TAB_ICONS}
    component = read_component(get_settings(), tabIcons=tab_icons)
    controls = {
        "has_controls": bool(component.context["prices"].cards),
        "view": "table" if request.GET.get("view") == "table" else "cards",
    }
    return _page(request, "market_data/dashboard.html", component, **controls)


@require_safe
def fragment(request: HttpRequest) -> HttpResponse:
    """Render the component of some pairs, without a page around it, for `<market-prices>` in any page."""
    settings = get_settings()
    try:
        query = parse_prices_query(request.META["QUERY_STRING"], settings)
    except BadQueryError as error:
        return SentResponse(bad_query_response(error), open_ticker_cache().clock.now_ms())
    component = read_component(settings, query.pairs)
    if component.is_empty:
        return SentResponse(error_response(404, "Not found", component.problem), component.now_ms)
    response = _page(request, "market_data/embedded.html", component)
    for name, value in OPEN_TO_ANY_PAGE.items():
        response.headers[name] = value
    return response


def _page(request: HttpRequest, template: str, component: Component, **more: Any) -> HttpResponse:
    response = render(request, template, {**component.context, **more})
    response.headers["Cache-Control"] = NEVER_STORE
    response.headers[TIME_HEADER] = str(component.now_ms)
    if component.source:
        response.headers[SOURCE_HEADER] = component.source.value
    return response
