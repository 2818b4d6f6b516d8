"""Django projects of one file, named by `BENCH_APP`.

`constant`: a view that returns the same bytes, no middleware. `view`: the app's URLs, no middleware, no layer.
`tutorial`: Django REST framework as its tutorial and django-redis's README have it, with Django's default middleware.
"""

import json
import os
from pathlib import Path

import django
from django.conf import settings

_APP = os.environ["BENCH_APP"]
_PAIRS = os.environ["TRADING_PAIRS"].split(",")
_REDIS = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": os.environ["REDIS_URL"]}}
_DEFAULT_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

settings.configure(
    SECRET_KEY="for-a-benchmark-only",  # noqa: S106 - it signs nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=_DEFAULT_MIDDLEWARE if _APP == "tutorial" else [],
    INSTALLED_APPS=[
        *("django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages"),
        *("django.contrib.staticfiles", "rest_framework", "market_data"),
    ],
    CACHES=_REDIS,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()

from django.core.cache import cache  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import include, path  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

_BODY = Path(os.environ["BENCH_BODY"]).read_bytes()


def constant(request):
    return HttpResponse(_BODY, content_type="application/json")


class Tutorial(APIView):
    def get(self, request):
        pairs = request.query_params["pairs"].split(",")
        found = cache.get_many([f"tutorial:{pair}" for pair in pairs])
        return Response({key.removeprefix("tutorial:"): record for key, record in found.items()})


PRICES = "api/market-data/prices"
urlpatterns = {
    "constant": [path(PRICES, constant)],
    "view": [path("", include("market_data.urls"))],
    "tutorial": [path(PRICES, Tutorial.as_view())],
}[_APP]

if _APP == "tutorial":
    cache.set_many({f"tutorial:{pair}": record for pair, record in json.loads(_BODY).items()}, timeout=None)

application = get_wsgi_application()
