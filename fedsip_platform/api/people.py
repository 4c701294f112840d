"""/api/v1/people and /invitations: who belongs to a tenant, and who is asked to"""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from fedsip_platform.directory.models import Subscriber
from fedsip_platform.people import services
from fedsip_platform.people.models import Invitation
from fedsip_platform.tenants.models import Membership, Person, Role, Tenant

from . import filters
from .base import OwnSlugField, ScopedViewSet, key_parameter, only_tenant, put_of
from .permissions import MayOwn, SignedIn

PERSON_KEY = key_parameter(
    "The id of the person's membership, or the tenant and the address: acme:ann@example.org."
)
INVITATION_KEY = key_parameter(
    "The invitation's id, or the tenant and the address: acme:ann@example.org."
)


class _ByAddress(ScopedViewSet):
    """What a tenant and an e-mail address name together."""

    def said_by(self, key: str) -> dict[str, Any]:
        slug, colon, email = key.partition(":")
        if not colon or "@" not in email or "\0" in key:
            return {}
        return {"tenant": slug.lower(), "email": email.strip().lower()}


class PersonSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = serializers.CharField(source="tenant.slug", read_only=True)
    email = serializers.EmailField(source="person.email", read_only=True)
    name = serializers.CharField(source="person.name", read_only=True)
    active = serializers.BooleanField(source="person.is_active", read_only=True)
    last_sign_in_at = serializers.DateTimeField(
        source="person.last_login", read_only=True, allow_null=True
    )

    class Meta:
        model = Membership
        fields = (
            *("id", "tenant", "email", "name", "active", "role", "last_sign_in_at"),
            "created_at",
        )
        read_only_fields = ("created_at",)


@extend_schema_view(
    list=extend_schema(summary="People of your tenants, with their roles"),
    retrieve=extend_schema(summary="One person's role", parameters=[PERSON_KEY]),
)
class PersonViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _ByAddress):
    """People who look after a tenant. Owners change roles; new people come by invitation."""

    serializer_class = PersonSerializer
    permission_classes = [SignedIn, MayOwn]
    rows = Membership.objects.select_related("tenant", "person")
    lookups = {"tenant": "tenant__slug", "email": "person__email"}
    ordering = "id"
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "email": filters.name("person__email", "Only with this address."),
        "role": filters.choice("role", Role.values, "Only in this role."),
    }

    @put_of(
        "Give a person a role in the tenant",
        PERSON_KEY,
        PersonSerializer,
        text="May be repeated. Who is not in the tenant yet comes by an invitation; only "
        "operators may put somebody there who signs in already.",
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._join)

    def _join(self, said: dict[str, Any]) -> Response:
        """Whether an address is known here is no matter of tenants."""
        tenants = self.scope.visible(Tenant.objects.filter(slug=said.get("tenant", "")))
        tenant = tenants.first()
        if tenant is None:
            raise Http404
        self.require(self.scope.may_own(tenant), "tenant", MayOwn.message)
        invite = _("Who is not in the tenant yet comes by an invitation.")
        self.require(self.scope.may_operate, "email", invite)
        found = Person.objects.filter(email__iexact=said["email"]).first()
        if found is None:
            raise Http404
        made = services.join(tenant, found, self.checked().get("role", Role.VIEWER))
        return Response(self.get_serializer(made).data, status.HTTP_201_CREATED)

    @extend_schema(summary="Change a person's role", parameters=[PERSON_KEY])
    def partial_update(self, request: Request, **kwargs: Any) -> Response:
        membership = self.get_object()
        changes = self.checked(membership, partial=True)
        if "role" in changes:
            membership = services.change_role(membership, changes["role"])
        return Response(self.get_serializer(membership).data)

    @extend_schema(summary="Take a person out of the tenant", parameters=[PERSON_KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.leave(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)


class InvitationSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = OwnSlugField(
        slug_field="slug",
        queryset=Tenant.objects.all(),
        required=False,
        help_text="Short name of the tenant; may be left out by those who have only one.",
    )
    user = OwnSlugField(
        slug_field="aor",
        source="subscriber",
        queryset=Subscriber.objects.select_related("domain__tenant"),
        required=False,
        allow_null=True,
        help_text="The SIP user that becomes the person's own, such as alice@example.com.",
    )
    invited_by = serializers.CharField(
        source="invited_by.email", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Invitation
        fields = (
            *("id", "tenant", "email", "role", "user", "invited_by"),
            *("created_at", "expires_at", "accepted_at"),
        )
        read_only_fields = ("created_at", "expires_at", "accepted_at")
        validators: list[Any] = []


class NewInvitationSerializer(InvitationSerializer):
    link = serializers.URLField(read_only=True, help_text="Shown now and never again.")

    class Meta(InvitationSerializer.Meta):
        fields = (*InvitationSerializer.Meta.fields, "link")


@extend_schema_view(
    list=extend_schema(summary="Invitations"),
    retrieve=extend_schema(summary="One invitation", parameters=[INVITATION_KEY]),
)
class InvitationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, _ByAddress):
    """Letters that let people join a tenant, or make a SIP user their own."""

    serializer_class = InvitationSerializer
    permission_classes = [SignedIn, MayOwn]
    rows = Invitation.objects.select_related("tenant", "subscriber", "invited_by")
    lookups = {"tenant": "tenant__slug", "email": "email"}
    ordering = "-id"
    answers_secret = True
    filters = {
        "tenant": filters.name("tenant__slug", "Only of the tenant with this short name."),
        "email": filters.name("email", "Only to this address."),
    }

    @extend_schema(
        summary="Invite somebody; a letter goes out",
        request=InvitationSerializer,
        responses={201: NewInvitationSerializer},
    )
    def create(self, request: Request) -> Response:
        return self._invite(self.checked())

    @put_of(
        "Invite somebody who is not invited yet",
        INVITATION_KEY,
        InvitationSerializer,
        text="May be repeated: no second letter goes out while an invitation to the same "
        "role and user is open, or was accepted. Only the answer that makes it (201) has the link.",
        made=NewInvitationSerializer,
    )
    def update(self, request: Request, **kwargs: Any) -> Response:
        return self.bring(request, self._invited)

    def brought(self, request: Request) -> Response:
        invitation = self.get_object()
        fields = self.checked(said=self.said_by(self.kwargs["key"]))
        same = self.get_queryset().filter(
            tenant=invitation.tenant,
            email=invitation.email,
            role=fields.get("role", ""),
            subscriber=fields.get("subscriber"),
        )
        for each in same.order_by("-pk"):
            if services.holds(each):
                return Response(self.get_serializer(each).data)
        return self._invite(fields)

    def _invited(self, said: dict[str, Any]) -> Response:
        if not said:
            raise Http404
        return self._invite(self.checked(said=said))

    def _invite(self, fields: dict[str, Any]) -> Response:
        request = self.request
        tenant = fields.get("tenant") or only_tenant(self.scope)
        self.require(self.scope.may_own(tenant), "tenant", _("Only owners invite people."))
        invitation, link = services.invite(
            tenant,
            fields["email"],
            fields.get("role", ""),
            by=request.user,
            subscriber=fields.get("subscriber"),
            base_url=request.build_absolute_uri("/"),
        )
        invitation.link = link
        shown = NewInvitationSerializer(invitation, context=self.get_serializer_context())
        return Response(shown.data, status.HTTP_201_CREATED)

    @extend_schema(summary="Withdraw an invitation", parameters=[INVITATION_KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        services.withdraw(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
