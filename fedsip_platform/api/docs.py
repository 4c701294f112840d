"""/api/v1/docs: the API's documentation, to be read and tried in the browser."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.middleware import INLINE_STYLES

from . import schema  # noqa: F401 - spectacular knows its extensions by their import


class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI; all of it comes from this host."""

    template_name = "admin_ui/api/docs.html"
    url_name = "api-schema"

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Any:
        """Swagger UI brings styles inside the page; its scripts are files."""
        response.headers["Content-Security-Policy"] = INLINE_STYLES
        return super().finalize_response(request, response, *args, **kwargs)
