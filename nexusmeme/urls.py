from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularJSONAPIView

from nexusmeme.api_description import endpoints  # noqa: F401  drf-spectacular finds them by their being there
from nexusmeme.api_description.page import documentation

urlpatterns = [
    path("", include("market_data.urls")),
    path("", include("market_data.metrics.urls")),
    path("admin/", admin.site.urls),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("api/docs/", documentation, name="api-documentation"),
]
if settings.DEBUG:
    urlpatterns.append(path("example/", TemplateView.as_view(template_name="example.html"), name="example"))
