"""What all resources have in common: scope, natural keys, filters, and writing by services.

A base class, against the habit of the house, because isolation must not depend on each resource
remembering it: a view that derives from this one cannot reach another tenant's rows.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import connection, transaction
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from fedsip_platform.directory import names
from fedsip_platform.directory.models import Domain
from fedsip_platform.tenants.models import Tenant
from fedsip_platform.tenants.scope import Scope

from . import areas, etags, filters, idempotency
from .filters import Filter
from .models import Token
from .permissions import MayChange, SignedIn


def scope_of(request: Request) -> Scope:
    """What this request may see and change."""
    if isinstance(request.auth, Token):
        return Scope(
            request.user,
            only_tenant_id=request.auth.tenant_id,
            may_write=areas.may_write(request.auth.scopes, request),
        )
    return Scope(request.user)


ANYTHING = "[^?]+"
"""Of natural keys with slashes."""


class ScopedViewSet(GenericViewSet):
    """A resource of which one sees only one's own tenants' part (README.md has the conventions)."""

    permission_classes = [SignedIn, MayChange]
    lookup_field = "public_id"
    lookup_url_kwarg = "key"
    lookup_value_regex = "[^/]+"

    rows: ClassVar[QuerySet[Any]]
    """Everything, joined as the serializer needs it; seen only through `get_queryset`."""
    ordering: ClassVar[str]
    """The unique column by which pages go."""
    natural_key: ClassVar[str] = ""
    """A unique column that may stand in addresses instead of the id."""
    lookups: ClassVar[dict[str, str]] = {}
    """Of a natural key of several parts, by the field for which a part stands: its column."""
    orders: ClassVar[dict[str, str]] = {}
    """By a word of `?order=`: the column by which the list then goes, and none of it is null."""
    filters: ClassVar[dict[str, Filter]] = {}
    """Query parameters of the list."""
    answers_secret: ClassVar[bool] = False
    """Whether what `create` answers must not be kept."""

    scope: Scope
    basename: str

    # -- around every request

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        self.scope = scope_of(request)
        for name, value in request.query_params.items():
            if "\0" in value:
                raise ValidationError({name: _("The character NUL cannot be stored.")})

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A change is one transaction with its Idempotency-Key; what was refused leaves nothing."""
        if request.method in SAFE_METHODS:
            return super().dispatch(request, *args, **kwargs)
        with transaction.atomic():
            response = super().dispatch(request, *args, **kwargs)
            if response.status_code >= status.HTTP_400_BAD_REQUEST:
                transaction.set_rollback(True)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self._claim = None
        if self.action in OF_LISTS:
            self._refuse_unknown(request)
        if request.method == "POST":
            claimed = idempotency.claim(request, lambda: request.data)
            if isinstance(claimed, Response):
                raise Replayed(claimed)
            self._claim = claimed

    def _refuse_unknown(self, request: Request) -> None:
        """A filter that is misspelt would choose everything."""
        known = {*self.filters, *OF_LISTS[self.action]}
        for name in request.query_params:
            if name not in known:
                text = _("There is no such parameter; there are %(names)s.")
                raise ValidationError({name: text % {"names": ", ".join(sorted(known))}})

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, Replayed):
            return exc.response
        return super().handle_exception(exc)

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        final = super().finalize_response(request, response, *args, **kwargs)
        if not status.is_success(final.status_code):
            return final
        claim = getattr(self, "_claim", None)
        if claim is not None:
            idempotency.fill(claim, final, has_secret=self.answers_secret)
        if self.action in SINGULAR and isinstance(getattr(response, "data", None), dict):
            self._tag(request, response)
        return final

    # -- rows

    def get_queryset(self) -> QuerySet[Any]:
        return self.scope.visible(self.rows)

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return self.filtered(queryset) if self.action == "list" else queryset

    def filtered(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What the query's filters choose; for actions that work on a whole list."""
        return filters.apply(self.filters, self.request.query_params.dict(), queryset)

    def get_object(self) -> Any:
        thing = self.find(self.kwargs["key"])
        if thing is None:
            raise Http404
        self.check_object_permissions(self.request, thing)
        if self.request.method in ("PUT", "PATCH", "DELETE"):
            return self._unchanged(thing)
        return thing

    def find(self, key: str) -> Any:
        """What has this id or natural key, if it may be seen."""
        said = self.said_by(key) if self.lookups else {}
        if said:
            return self.named_so(said).first()
        queryset = self.get_queryset()
        if is_uuid(key):
            return queryset.filter(public_id=uuid.UUID(key)).first()
        if not self.natural_key or "\0" in key:
            return None
        return queryset.filter(**{self.natural_key: self.normal_key(key)}).first()

    def named_so(self, said: dict[str, Any]) -> QuerySet[Any]:
        """What has this natural key of several parts."""
        wanted = {self.lookups[name]: value for name, value in said.items()}
        return self.get_queryset().filter(**wanted)

    def normal_key(self, key: str) -> str:
        """The form in which the natural key is kept."""
        return key

    def asked_order(self) -> tuple[str, str]:
        """The column by which the list goes, `-` in front of one that falls, and the unique one
        that decides between equals."""
        asked = self.request.query_params.get("order", "")
        own = self.ordering.lstrip("-")
        if not asked:
            return self.ordering, own
        column = self.orders.get(asked.removeprefix("-"))
        if column is None:
            words = ", ".join(order_words(self.orders))
            raise ValidationError({"order": _("Say one of %(words)s.") % {"words": words}})
        falling = "-" if asked.startswith("-") else ""
        return falling + column, own if column == own else "pk"

    # -- representations

    def get_serializer(self, *args: Any, **kwargs: Any) -> Any:
        serializer = super().get_serializer(*args, **kwargs)
        if self.action in ("list", "retrieve", "export"):
            keep_only(self.request, serializer)
        return serializer

    def shown(self, serializer: serializers.BaseSerializer[Any]) -> Response:
        """The answer of an operation with a shape of its own, with the fields that were asked."""
        return shown(self.request, serializer)

    # -- PUT

    def said_by(self, key: str) -> dict[str, Any]:
        """The fields of a body that a natural key in the address stands for; none for an id."""
        return {}

    def bring(self, request: Request, make: Callable[[dict[str, Any]], Response]) -> Response:
        """`PUT`: change what the address names, or make it of what the address and the body say.

        A body that names something else is refused: a repetition would do something else. Of two
        at the same time the second waits, and changes what the first has made.
        """
        key = self.kwargs["key"]
        said = self.said_by(key)
        body = request.data if isinstance(request.data, dict) else {}
        for name, value in said.items():
            if not _is_same_name(body.get(name, value), value):
                says = _("The address says %(value)s.") % {"value": value or "otherwise"}
                raise ValidationError({name: says})
        thing = self.find(key) or self._found_in_turn(said or {"id": key.lower()})
        if thing is None:
            if "If-Match" in request.headers:
                raise etags.PreconditionFailed
            return make(said)
        if request.headers.get("If-None-Match", "").strip() == "*":
            self.check_object_permissions(request, thing)
            raise etags.PreconditionFailed
        return self.brought(request)

    def brought(self, request: Request) -> Response:
        """The answer to a `PUT` of what is there already."""
        return self.partial_update(request)  # type: ignore[attr-defined,no-any-return]

    def chosen_id(self, model: type[Model]) -> uuid.UUID:
        """The id in the address, which a program chose for what it makes; 404 where it is none, or
        another tenant's."""
        key = self.kwargs["key"]
        if not is_uuid(key) or model._base_manager.filter(public_id=uuid.UUID(key)).exists():
            raise Http404
        return uuid.UUID(key)

    def _found_in_turn(self, said: dict[str, Any]) -> Any:
        """What somebody else has made of this name until it is one's own turn to make it."""
        name = f"{self.basename} {said}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        return self.find(self.kwargs["key"])

    # -- what bodies say

    def require(self, allowed: bool, field: str, reason: str) -> None:
        """Refuse with 403, naming the field that stands in the way."""
        if not allowed:
            raise PermissionDenied({field: reason})

    def checked(
        self,
        instance: Model | None = None,
        *,
        partial: bool = False,
        said: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The request's body and what its address said, checked; raises ValidationError."""
        data = self.request.data
        if said and isinstance(data, dict):
            data = {**data, **said}
        serializer = self.get_serializer(instance, data=data, partial=partial)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    # -- against lost updates

    def _unchanged(self, thing: Any) -> Any:
        """The thing, locked, if it still is what If-Match says."""
        expected = self.request.headers.get("If-Match")
        if expected is None:
            if self.request.method == "PATCH":
                raise etags.PreconditionRequired
            return thing
        if expected.strip() == "*":
            return thing
        type(thing)._base_manager.select_for_update(no_key=True, of=("self",)).filter(
            pk=thing.pk
        ).first()
        thing = self.find(self.kwargs["key"])
        if thing is None:
            raise Http404
        if not etags.is_listed(etags.of(self.get_serializer(thing).data), expected):
            raise etags.PreconditionFailed
        return thing

    def _tag(self, request: Request, response: Response) -> None:
        if "fields" in request.query_params:
            return  # the tag is that of the whole
        thing = response.data
        if self.answers_secret:  # what is shown once is no part of the thing
            kept = fields_of(super().get_serializer()).keys()
            thing = {name: value for name, value in thing.items() if name in kept}
        tag = etags.of(thing)
        response["ETag"] = tag
        known = request.headers.get("If-None-Match")
        if known is not None and self.action == "retrieve" and etags.is_listed(tag, known):
            response.status_code = status.HTTP_304_NOT_MODIFIED
            response.data = None


class Replayed(Exception):
    """Ends a request with the answer of its first time."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def _is_same_name(given: Any, name: Any) -> bool:
    """Whether a body names what its address does, in whatever spelling."""
    spelt = str(given).strip().lower()
    return str(name).lower() in (spelt, domain_of(spelt))


def domain_of(text: str) -> str:
    """The normal form of a domain; any other text as it is."""
    try:
        return names.normal_domain(text)
    except ModelValidationError:
        return text


OF_LISTS = {
    "list": ("limit", "cursor", "order", "fields", "format"),
    "export": ("fields",),
    "by_hour": ("fields",),
}
"""What else, by the action, the address of a list may say beside its filters."""
SINGULAR = ("retrieve", "create", "update", "partial_update")


def shown(request: Request, serializer: serializers.BaseSerializer[Any]) -> Response:
    """The answer to a GET, with the fields that it asks for."""
    keep_only(request, serializer)
    return Response(serializer.data)


def keep_only(request: Request, serializer: Any) -> None:
    """Leave in the serializer only the fields that `?fields=` names."""
    asked = request.query_params.get("fields")
    if asked is None:
        return
    fields = fields_of(serializer)
    wanted = {name.strip() for name in asked.split(",")}
    unknown = sorted(wanted - {name for name, field in fields.items() if not field.write_only})
    if unknown:
        raise ValidationError(
            {"fields": _("There is no field %(value)s.") % {"value": unknown[0] or "(empty)"}}
        )
    for name in set(fields) - wanted:
        fields.pop(name)


def fields_of(serializer: Any) -> Any:
    """The fields of each thing of an answer, a list or not."""
    fields = getattr(serializer, "child", serializer).fields
    only = next(iter(fields.values()), None) if len(fields) == 1 else None
    return fields_of(only) if isinstance(only, serializers.ListSerializer) else fields


def order_words(orders: Mapping[str, str]) -> list[str]:
    """All that `?order=` may say."""
    return [sign + word for word in orders for sign in ("", "-")]


class OwnSlugField(serializers.SlugRelatedField):
    """Names something of one's own tenants; what one may not see gives 403, as if forbidden."""

    def get_queryset(self) -> QuerySet[Any]:
        return self.context["view"].scope.visible(super().get_queryset())

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or not data.isprintable():
            raise ValidationError(_("Give its name."))
        name = data.strip().lower()
        queryset = self.get_queryset()
        if queryset.model is Domain:
            name = domain_of(name)
        found = queryset.filter(**{self.slug_field: name}).first()
        if found is None:
            raise PermissionDenied({self.field_name: _("There is none that you may use.")})
        return found


def only_tenant(scope: Scope) -> Tenant:
    """The tenant that is meant when none is named."""
    tenants = list(scope.visible(Tenant.objects.all())[:2])
    if len(tenants) != 1:
        raise ValidationError({"tenant": _("Say which of your tenants.")})
    return tenants[0]


def is_uuid(key: str) -> bool:
    """Whether an address names a thing by its id."""
    try:
        uuid.UUID(key)
    except ValueError:
        return False
    return True


def key_parameter(description: str) -> OpenApiParameter:
    """Documents the last part of an address."""
    return OpenApiParameter("key", OpenApiTypes.STR, OpenApiParameter.PATH, True, description)


def put_of(
    summary: str,
    key: OpenApiParameter,
    shape: type[serializers.BaseSerializer[Any]],
    *,
    text: str = "May be repeated: fields that the body leaves out stay as they are. The address "
    "names it, and so need not the body.",
    made: type[serializers.BaseSerializer[Any]] | None = None,
) -> Any:
    """Documents a `PUT`, which `bring` answers: with `made` where it makes, else with `shape`."""
    return extend_schema(
        summary=summary,
        description=text,
        parameters=[key],
        request=shape(partial=True),
        responses={200: shape, 201: made or shape},
    )
