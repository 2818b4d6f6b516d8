"""Settings of the site. Every value that an operator may change is declared in `environment.py` or the app."""

from pathlib import Path

from market_data.inspection.setting_rows import SiteSettings
from nexusmeme.environment import SITE_SETTINGS, read_environment
from nexusmeme.log_filters import is_unexpected
from nexusmeme.redis_cache import redis_cache

BASE_DIR = Path(__file__).resolve().parent.parent
_environment, _sources = read_environment(BASE_DIR)
# What the inspection page of the admin shows beside the app's own settings.
MARKET_DATA_SITE_SETTINGS = SiteSettings(tuple(SITE_SETTINGS.values()), _sources)

DEBUG = _environment["DEBUG"]
SECRET_KEY = _environment["SECRET_KEY"] or ("for-development-only" if DEBUG else "")
ALLOWED_HOSTS = list(_environment["ALLOWED_HOSTS"])
CSRF_TRUSTED_ORIGINS = list(_environment["CSRF_TRUSTED_ORIGINS"])

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "market_data",
    "exchange_simulator",
]

MIDDLEWARE = [
    "nexusmeme.request_id.RequestId",
    "nexusmeme.middleware.BrowserRestrictions",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "nexusmeme.urls"
WSGI_APPLICATION = "nexusmeme.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASES = {"default": _environment["DATABASE_URL"]}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# An entry of its own, so that nothing that clears the default cache deletes prices, or the end of a ban.
MARKET_DATA_CACHE_ALIAS = "market_data"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    MARKET_DATA_CACHE_ALIAS: redis_cache(_environment["REDIS_URL"]),
}

REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {
    "TITLE": "NexusMeme market data",
    "DESCRIPTION": "Current prices with their age, from a cache that one process fills. GET and HEAD, open to anyone.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "DISABLE_ERRORS_AND_WARNINGS": False,
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"  # `manage.py collectstatic` fills it; until then the finders serve
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "nexusmeme.static_files.HashedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG or not (STATIC_ROOT / "staticfiles.json").exists()

DEFAULT_EXCEPTION_REPORTER = "nexusmeme.secret_masking.MaskingExceptionReporter"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
if _environment["HTTPS_ONLY"]:
    SECURE_SSL_REDIRECT = True
    SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # Prometheus reads it from each web server, past the proxy that ends TLS
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "keyvalue": {"()": "nexusmeme.log_lines.KeyValueFormatter"},
        "json": {"()": "nexusmeme.log_lines.JsonFormatter"},
    },
    # A 4xx or a 503 is an answer, not an event: a line each would be a line a reader.
    "filters": {
        "unexpected": {"()": "django.utils.log.CallbackFilter", "callback": is_unexpected},
        "once_per_minute": {"()": "nexusmeme.log_filters.OncePerMinute"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": _environment["LOG_FORMAT"]}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "market_data": {"level": _environment["LOG_LEVEL"]},
        "exchange_simulator": {"level": _environment["LOG_LEVEL"]},
        "django": {"level": "WARNING"},
        "django.request": {"filters": ["unexpected"]},
        "django.security.DisallowedHost": {"filters": ["once_per_minute"]},
        "django.security.csrf": {"filters": ["once_per_minute"]},
        # What the web server has to say within a worker, errors of the application among it; its own level stays
        "_granian": {"handlers": ["stderr"], "propagate": False},
    },
}
