"""/api/v1/users: SIP users (subscribers)"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory import finding, names, services
from fedsip_platform.directory.models import Domain, Subscriber
from fedsip_platform.gateway import services as gateway
from fedsip_platform.people import services as people
from fedsip_platform.tenants import standing

from . import filters
from .base import OwnSlugField, ScopedViewSet, key_parameter, put_of
from .filters import Filter
from .permissions import MayOwn, SignedIn
from .phones import PassRequestSerializer, PassSerializer

KEY = key_parameter("The user's id or address, such as alice@example.com.")


class PhonePasswordField(serializers.CharField):
    """A new password of a SIP user; never read back."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            write_only=True,
            trim_whitespace=False,
            min_length=services.SHORTEST_PASSWORD,
            max_length=services.LONGEST_PASSWORD,
            **options,
        )


class UserSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    address = serializers.CharField(source="aor", read_only=True, help_text="username@domain")
    domain = OwnSlugField(
        slug_field="name", queryset=Domain.objects.select_related("tenant"), help_text="Its name."
    )
    password = PhonePasswordField(help_text="For the phone. Only hashes of it are kept.")
    owner = serializers.EmailField(
        source="person.email",
        read_only=True,
        default=None,
        allow_null=True,
        help_text="Whose own it is; given by an invitation.",
    )

    class Meta:
        model = Subscriber
        fields = (
            *("id", "address", "username", "domain", "password", "display_name", "enabled"),
            *("max_contacts", "max_calls", "media_policy", "srtp", "codecs", "note"),
            *("owner", "password_changed_at"),
            *("created_at", "updated_at"),
        )
        validators: list[Any] = []


@extend_schema_view(
    list=extend_schema(summary="Users"),
    retrieve=extend_schema(summary="One user", parameters=[KEY]),
)
class UserViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """SIP users: who may register a phone and call."""

    serializer_class = UserSerializer
    rows = Subscriber.objects.select_related("domain__tenant", "person")
    ordering = "aor"
    natural_key = "aor"
    orders = {"address": "aor", "name": "display_name", "created": "created_at"}
    filters = {
        "domain": filters.name("domain__name", "Only of this domain."),
        "q": Filter(
            "Only whose address begins with this, or whose name has words that begin so.",
            finding.users_like,
        ),
        "enabled": filters.switch("enabled", "Only enabled or disabled ones."),
        "standing": filters.one_of(
            standing.of_users,
            standing.WORDS,
            "Only who is online, enabled but offline, never registered (as far as is kept), "
            "failing to sign in since yesterday, or disabled.",
        ),
    }

    def normal_key(self, key: str) -> str:
        username, _, domain = key.rpartition("@")
        try:
            return f"{username.lower()}@{names.normal_domain(domain)}"
        except ModelValidationError:
            return ""

    @extend_schema(summary="Make a user")
    def create(self, request: Request) -> Response:
        return self._create(self.checked())

    @put_of(
        "Make a user, or bring it to this state",
        KEY,
        UserSerializer,
        text="May be repeated: the user is then as the body says, other fields stay. "
        "The password is needed only for a new user.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._make)

    def said_by(self, key: str) -> dict[str, Any]:
        username, at, domain = self.normal_key(key).rpartition("@")
        return {"username": username, "domain": domain} if at else {}

    def _make(self, said: dict[str, Any]) -> Response:
        self.require(bool(said), "domain", _("There is none that you may use."))
        return self._create(self.checked(said=said))

    @extend_schema(
        summary="Change a user",
        description="A new password takes effect when a phone registers next.",
        parameters=[KEY],
    )
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        user = self.get_object()
        changes = self.checked(user, partial=True)
        if "username" in changes:
            changes["username"] = changes["username"].strip().lower()
        password = changes.pop("password", None)
        user = services.update_subscriber(user, new_password=password, **changes)
        return Response(self.get_serializer(user).data)

    @extend_schema(
        summary="A pass: short-lived credentials for a page",
        description="For a web page that telephones as this user, such as the widget: it never "
        "holds the password. The pass ends when it expires, when the user is disabled, and when "
        "the password changes.",
        parameters=[KEY],
        request=PassRequestSerializer,
        responses=PassSerializer,
    )
    @action(detail=True, methods=["post"], url_path="pass")
    def make_pass(self, request: Request, **kwargs: Any) -> Response:
        self.answers_secret = True
        asked = PassRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        made = gateway.make_pass(
            self.get_object(), request._request.get_host(), seconds=asked.validated_data["seconds"]
        )
        return Response(PassSerializer(made).data)

    @extend_schema(
        summary="Take a user away from its owner", parameters=[KEY], responses={204: None}
    )
    @action(
        detail=True, methods=["delete"], url_path="owner", permission_classes=[SignedIn, MayOwn]
    )
    def take_away(self, request: Request, **kwargs: Any) -> Response:
        people.own(self.get_object(), None)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(summary="Delete a user; its phones are signed out", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.delete_subscriber(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _create(self, fields: dict[str, Any]) -> Response:
        domain = fields.pop("domain")
        allowed = self.scope.may_change(domain.tenant)
        self.require(allowed, "domain", _("Your role there is only to look."))
        user = services.create_subscriber(
            domain, fields.pop("username"), fields.pop("password"), **fields
        )
        return Response(self.get_serializer(user).data, status.HTTP_201_CREATED)
