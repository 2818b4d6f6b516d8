"""What browsers may do with this site's pages: load its own files, run nothing inline, talk to nobody else."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

_CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
_UNUSED_POWERS = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")

HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {sources}" for name, sources in _CONTENT_SECURITY_POLICY.items()),
    "Permissions-Policy": ", ".join(f"{power}=()" for power in _UNUSED_POWERS),
}


class BrowserRestrictions:
    """Adds the headers to every response, error pages and static files included, that has no policy of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if "Content-Security-Policy" not in response.headers:
            for name, value in HEADERS.items():
                response.headers[name] = value
        return response
