"""/api/v1/me, /session and /tokens: about whoever is asking"""

from __future__ import annotations

from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import authenticate, login, logout
from django.db.models import Q, QuerySet
from django.http import Http404
from django.middleware.csrf import get_token
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fedsip_platform.people import mfa, sessions
from fedsip_platform.tenants.models import Membership, Person, Role, Tenant

from . import filters, tokens
from .areas import Scope
from .base import OwnSlugField, ScopedViewSet, key_parameter, shown
from .models import Token
from .permissions import BySession

KEY = key_parameter("The token's id.")
SESSION_KEY = key_parameter("The session's id.")


class MembershipSerializer(serializers.ModelSerializer):
    tenant = serializers.CharField(source="tenant.slug", read_only=True)
    name = serializers.CharField(source="tenant.name", read_only=True)

    class Meta:
        model = Membership
        fields = ("tenant", "name", "role")


class MeSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    memberships = serializers.SerializerMethodField()

    class Meta:
        model = Person
        fields = ("id", "email", "name", "is_operator", "memberships")

    def get_memberships(self, person: Person) -> list[dict[str, Any]]:
        found = person.memberships.select_related("tenant").order_by("tenant__slug")
        token = self.context["request"].auth
        if isinstance(token, Token) and token.tenant_id is not None:
            found = found.filter(tenant=token.tenant_id)
        return list(MembershipSerializer(found, many=True).data)


class MeView(APIView):
    """Who you are."""

    @extend_schema(summary="Who you are", responses=MeSerializer, operation_id="me_retrieve")
    def get(self, request: Request) -> Response:
        return shown(request, MeSerializer(request.user, context={"request": request}))


class SignInSerializer(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(trim_whitespace=False, max_length=128, write_only=True)
    code = serializers.CharField(
        max_length=20,
        required=False,
        write_only=True,
        help_text="Of the authenticator app, or a recovery code, where a second factor is set up.",
    )


class SessionSerializer(serializers.Serializer):
    signed_in = serializers.BooleanField()
    csrf_token = serializers.CharField(help_text="Send it back as X-CSRFToken with every change.")


class SessionView(APIView):
    """Sign in and out with a cookie, as the dashboard does. Programs use tokens."""

    permission_classes = [AllowAny]

    @extend_schema(summary="Whether you are signed in; gives the CSRF token")
    @extend_schema(responses=SessionSerializer, operation_id="session_retrieve")
    def get(self, request: Request) -> Response:
        return shown(request, self._answer(request))

    @extend_schema(
        summary="Sign in",
        request=SignInSerializer,
        responses=SessionSerializer,
        operation_id="session_create",
    )
    @method_decorator(csrf_protect)
    def post(self, request: Request) -> Response:
        serializer = SignInSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        person = authenticate(
            request._request,  # axes counts failures on Django's own request
            email=serializer.validated_data["email"].lower(),
            password=serializer.validated_data["password"],
        )
        if person is None:
            raise ValidationError({"password": _("The address or the password is wrong.")})
        code = serializer.validated_data.get("code", "")
        if mfa.has_one(person) and not mfa.is_right(person, code):
            raise ValidationError({"code": _("Give the present code of your second factor.")})
        login(request._request, person)
        UserSession.objects.create_from_request(request._request)
        return Response(self._answer(request).data)

    @extend_schema(
        summary="Sign out",
        request=None,
        responses={204: OpenApiResponse(description="You are signed out.")},
        operation_id="session_destroy",
    )
    @method_decorator(csrf_protect)
    def delete(self, request: Request) -> Response:
        logout(request._request)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, request: Request) -> SessionSerializer:
        signed_in = request._request.user.is_authenticated
        return SessionSerializer(
            {"signed_in": signed_in, "csrf_token": get_token(request._request)}
        )


class OwnSessionSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="pk", read_only=True)
    address = serializers.IPAddressField(source="ip", read_only=True)
    is_this = serializers.SerializerMethodField(help_text="Whether it asks just now.")

    class Meta:
        model = UserSession
        fields = ("id", "address", "user_agent", "created_at", "last_seen_at", "is_this")
        read_only_fields = fields

    def get_is_this(self, session: UserSession) -> bool:
        asking = self.context["request"].session.session_key
        return bool(session.session_key == asking)


@extend_schema_view(
    list=extend_schema(summary="Where you are signed in"),
    retrieve=extend_schema(summary="One of your sessions", parameters=[SESSION_KEY]),
)
class OwnSessionViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Your own sessions, one for each browser."""

    serializer_class = OwnSessionSerializer
    permission_classes = [BySession]
    ordering = "-id"

    def get_queryset(self) -> QuerySet[UserSession]:
        if not isinstance(self.request.user, Person):
            raise Http404
        return sessions.current(self.request.user)

    def find(self, key: str) -> UserSession | None:
        is_number = key.isascii() and key.isdigit() and len(key) <= 18
        return self.get_queryset().filter(pk=key).first() if is_number else None

    @extend_schema(
        summary="End one of your sessions", parameters=[SESSION_KEY], responses={204: None}
    )
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        session = self.get_object()
        sessions.end(session, session.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TokenSerializer(serializers.ModelSerializer):
    id = serializers.UUIDField(source="public_id", read_only=True)
    tenant = OwnSlugField(
        slug_field="slug",
        queryset=Tenant.objects.all(),
        required=False,
        allow_null=True,
        help_text="The only tenant it reaches; null for all of yours.",
    )
    person = serializers.EmailField(source="person.email", read_only=True)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(Scope.choices),
        required=False,
        min_length=1,
        max_length=len(Scope),
        help_text="What it may do; `read` if it is left out.",
    )

    class Meta:
        model = Token
        fields = (
            *("id", "name", "person", "tenant", "scopes", "prefix"),
            *("created_at", "expires_at", "last_used_at"),
        )
        read_only_fields = ("prefix", "created_at", "last_used_at")


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown now and never again.")

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token")


@extend_schema_view(
    list=extend_schema(summary="Your tokens, and those of others for tenants that you own"),
    retrieve=extend_schema(summary="One token", parameters=[KEY]),
)
class TokenViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ScopedViewSet):
    """Your own API tokens. Owners also see, and end, what others have for their tenant alone."""

    serializer_class = TokenSerializer
    permission_classes = [BySession]
    answers_secret = True
    ordering = "-id"
    filters = {
        "tenant": filters.name("tenant__slug", "Only for this tenant alone."),
        "person": filters.name("person__email", "Only of the person with this address."),
    }

    def get_queryset(self) -> QuerySet[Token]:
        if not isinstance(self.request.user, Person):
            raise Http404
        owned = [tenant for tenant, role in self.scope.roles.items() if role == Role.OWNER]
        others = Q(tenant__isnull=False) if self.scope.is_operator else Q(tenant__in=owned)
        found = Token.objects.filter(Q(person=self.request.user) | others)
        return found.select_related("tenant", "person")

    @extend_schema(
        summary="Make a token", request=TokenSerializer, responses={201: NewTokenSerializer}
    )
    def create(self, request: Request) -> Response:
        fields = self.checked()
        tenant = fields.get("tenant")
        scopes = fields.get("scopes", [Scope.READ])
        if any(scope.endswith("write") for scope in scopes) and tenant is not None:
            role = self.scope.roles.get(tenant.pk)
            allowed = self.scope.is_operator or role != Role.VIEWER
            self.require(allowed, "scopes", _("Your role in this tenant is only to look."))
        token, text = tokens.create(
            request.user,
            fields["name"],
            scopes,
            tenant=tenant,
            expires_at=fields.get("expires_at"),
        )
        token.token = text
        body = NewTokenSerializer(token, context=self.get_serializer_context()).data
        return Response(body, status.HTTP_201_CREATED)

    @extend_schema(summary="Withdraw a token", parameters=[KEY])
    def destroy(self, request: Request, **kwargs: Any) -> Response:
        tokens.withdraw(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)
