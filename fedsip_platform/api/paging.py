"""Cursor pages: constant cost however deep, and nothing is skipped while rows come and go."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

from fedsip_platform import paging


class Pages(CursorPagination):
    """`?limit=`, `?cursor=` and `?order=`; which orders there are the view says."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    page_size_query_description = "Number of results in a page, at most 1000."
    cursor_query_description = "The page: taken from `next` or `previous` of another one."

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """A page by `fedsip_platform/paging.py`; a cursor that we never made is refused."""
        order, unique = view.asked_order()
        cursor = request.query_params.get(self.cursor_query_param)
        if cursor is not None and not paging.is_cursor(queryset.model, cursor, order, unique):
            raise ValidationError({"cursor": _("This is no cursor of ours.")})
        size = self.get_page_size(request)
        self._page = paging.page_of(queryset, order, cursor, unique=unique, size=size)
        self.base_url = request.build_absolute_uri()
        return list(self._page.rows)

    def get_next_link(self) -> str | None:
        return self._link(self._page.next)

    def get_previous_link(self) -> str | None:
        return self._link(self._page.previous)

    def _link(self, cursor: str | None) -> str | None:
        if cursor is None:
            return None
        return str(replace_query_param(self.base_url, self.cursor_query_param, cursor))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Tell the bounds of the limit, and that cursors are ours, in the API's description."""
        parameters = super().get_schema_operation_parameters(view)
        for parameter in parameters:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"] |= {"minimum": 1, "maximum": self.max_page_size}
            else:
                parameter["schema"] |= {"format": "cursor"}
        return parameters

    def get_page_size(self, request: Request) -> int:
        """Refuse a limit that is none, instead of quietly taking another."""
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.max_page_size):
            raise ValidationError(
                {
                    "limit": _("Give a number from 1 to %(max_page_size)s.")
                    % {"max_page_size": self.max_page_size}
                }
            )
        return int(text)
