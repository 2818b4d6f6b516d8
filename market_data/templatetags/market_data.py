"""Template tags that put prices into any page.

{% load market_data %}
{% market_prices pairs="BTC/USDT,ETH/USDT" %}       as often as wanted
{% market_prices_assets %}                          in the page's head, so that the style is there before the body
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.template import TemplateSyntaxError
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from market_data.conf.loading import get_settings
from market_data.dashboard.component import read_component
from market_data.ticker.pairs import InvalidPairError, normalise_pairs

register = template.Library()

_ADVICE = 'write {% market_prices pairs="BTC/USDT,ETH/USDT" %}, or leave pairs out for all that are configured'


@register.simple_tag
def market_prices_assets() -> SafeString:
    """Return the stylesheet and the script that components need; `market_prices` brings them, too."""
    return format_html(
        '<link rel="stylesheet" href="{}">\n<script type="module" src="{}"></script>',
        static("market_data/market-prices.css"),
        static("market_data/embed.js"),
    )


@register.inclusion_tag("market_data/market_prices_tag.html")
def market_prices(pairs: str | Sequence[str] | None = None) -> Mapping[str, Any]:
    """Render the prices of `pairs`: comma-separated text, or a list; left out, of all configured pairs."""
    named = None if pairs is None else _normalised(pairs)
    component = read_component(get_settings(), named)
    return {**component.context, "is_empty": component.is_empty}


def _normalised(pairs: str | Sequence[str]) -> Sequence[str]:
    names = pairs.split(",") if isinstance(pairs, str) else pairs
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise TemplateSyntaxError(f"market_prices: pairs is neither text nor a list of texts; {_ADVICE}")
    if not names or names == [""]:
        raise TemplateSyntaxError(f"market_prices: pairs is empty; {_ADVICE}")
    try:
        return normalise_pairs(names)
    except InvalidPairError as error:
        raise TemplateSyntaxError(f"market_prices: {error}") from None
