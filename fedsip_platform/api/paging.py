"""Cursor pages: constant cost however deep, and nothing is skipped while rows come and go."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as InvalidValue
from django.db.models import IntegerField
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class Pages(CursorPagination):
    """`?limit=` and `?cursor=`; the order is that of the view, by a unique column."""

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "limit"
    page_size_query_description = "Number of results in a page, at most 1000."
    cursor_query_description = "The page: taken from `next` or `previous` of another one."

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[str, ...]:
        self._column = queryset.model._meta.get_field(view.ordering.lstrip("-"))
        return (view.ordering,)

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

    def decode_cursor(self, request: Request) -> Cursor | None:
        """Refuse cursors that we never made: their position goes into a query."""
        try:
            cursor = super().decode_cursor(request)
        except NotFound:
            cursor = Cursor(0, False, "\0")
        if request.query_params.get(self.cursor_query_param) == "":
            raise ValidationError({"cursor": _("This is no cursor of ours.")})
        if cursor is None or cursor.position is None:
            return cursor
        if not _may_stand_in(self._column, cursor.position):
            raise ValidationError({"cursor": _("This is no cursor of ours.")})
        return cursor


def _may_stand_in(column: Any, position: str) -> bool:
    """Whether a value of the column can be written so."""
    if isinstance(column, IntegerField):
        return position.isascii() and position.isdigit() and len(position) <= 18
    try:
        column.to_python(position)
    except InvalidValue:
        return False
    return "\0" not in position
