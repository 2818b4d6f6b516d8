"""The web server's entry point: it refuses to start on a configuration that cannot work."""

import os
import sys

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

from market_data.api.prices_layer import PricesLayer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "nexusmeme.settings")
# No page may ever ask the exchange. REST framework imports requests for its test client wherever it is installed:
# here it cannot, nor can anything else.
sys.modules["requests"] = None  # type: ignore[assignment]


def _refuse_broken_configuration() -> None:
    problems = [f"{error.msg} {error.hint}" for error in checks.run_checks() if error.is_serious()]
    try:
        _ = settings.SECRET_KEY
    except ImproperlyConfigured:
        problems.append(
            "SECRET_KEY is not set. Write SECRET_KEY= and a long random text into the environment or .env, "
            "or DEBUG=true for development."
        )
    if problems:
        sys.exit("\n".join(problems))


application = get_wsgi_application()
_refuse_broken_configuration()
application = PricesLayer(application)  # a short cut: without this line Django answers the same, at a higher cost
