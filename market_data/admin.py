"""The admin's page of configuration and state. Read-only, and cache-only: it never asks the exchange."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_safe

from market_data.api.response import NEVER_STORE
from market_data.inspection.reading import read_inspection
from market_data.models import Inspection

REFRESH_MS = 4000


@admin.register(Inspection)
class InspectionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # it takes none at run time
    """Answers one address with one page. There is nothing that could be added, changed or deleted."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.changelist_view)
        return [path("", view, name="market_data_inspection_changelist")]

    def has_add_permission(self, request: HttpRequest, obj: Inspection | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Inspection | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Inspection | None = None) -> bool:
        return False

    @method_decorator(require_safe)
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the inspection to staff with the permission to view it; `?fragment` leaves the page's frame out."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        name = "content" if "fragment" in request.GET else "page"
        context = {
            **self.admin_site.each_context(request),
            "title": "Configuration and state",
            "opts": self.opts,
            "inspection": read_inspection(),
            "refresh_ms": str(REFRESH_MS),  # a text, which no locale groups
            **(extra_context or {}),
        }
        response = render(request, f"admin/market_data/inspection/{name}.html", context)
        response.headers["Cache-Control"] = NEVER_STORE
        return response
