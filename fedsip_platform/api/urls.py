"""Addresses below /api/v1/."""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from .account import MeView, OwnSessionViewSet, SessionView, TokenViewSet
from .aliases import AliasViewSet
from .audit import AuditViewSet
from .bulk import BulkUsersView
from .calls import CallViewSet, LiveCallViewSet
from .docs import DocsView
from .domains import DomainViewSet
from .favourites import FavouriteViewSet
from .federation import FederationRuleViewSet, RefusalViewSet
from .forwards import ForwardViewSet
from .gateways import GatewayViewSet
from .jobs import CheckDomainsView, ExportUsersView, ImportUsersView, JobViewSet
from .locating import LocateView
from .outbound_policies import OutboundPolicyViewSet
from .own_users import OwnUserViewSet
from .people import InvitationViewSet, PersonViewSet
from .phones import MyPassView, MyPhoneView, OriginViewSet
from .registrations import RegistrationViewSet
from .ring_groups import RingGroupViewSet
from .servers import CertificateViewSet, HealthView, NodeViewSet, RelaysView
from .sources import AllowedSourceViewSet, BlockViewSet, FailedSignInViewSet
from .tenants import TenantViewSet
from .translations import TranslationViewSet
from .trunks import TrunkViewSet
from .trying import EffectView, TryView
from .users import UserViewSet
from .webhooks import DeliveryViewSet, WebhookViewSet

router = SimpleRouter(trailing_slash=False)
router.register("tenants", TenantViewSet, "tenant")
router.register("domains", DomainViewSet, "domain")
router.register("users", UserViewSet, "user")
router.register("registrations", RegistrationViewSet, "registration")
router.register("translations", TranslationViewSet, "translation")
router.register("federation-rules", FederationRuleViewSet, "federation-rule")
router.register("refusals", RefusalViewSet, "refusal")
router.register("people", PersonViewSet, "person")
router.register("invitations", InvitationViewSet, "invitation")
router.register("aliases", AliasViewSet, "alias")
router.register("forwards", ForwardViewSet, "forward")
router.register("ring-groups", RingGroupViewSet, "ring-group")
router.register("trunks", TrunkViewSet, "trunk")
router.register("gateways", GatewayViewSet, "gateway")
router.register("outbound-policies", OutboundPolicyViewSet, "outbound-policy")
router.register("jobs", JobViewSet, "job")
router.register("webhooks", WebhookViewSet, "webhook")
router.register("webhook-deliveries", DeliveryViewSet, "webhook-delivery")
router.register("audit", AuditViewSet, "audit")
router.register("calls", CallViewSet, "call")
router.register("live-calls", LiveCallViewSet, "live-call")
router.register("blocks", BlockViewSet, "block")
router.register("allowed-sources", AllowedSourceViewSet, "allowed-source")
router.register("failed-sign-ins", FailedSignInViewSet, "failed-sign-in")
router.register("nodes", NodeViewSet, "node")
router.register("certificates", CertificateViewSet, "certificate")
router.register("me/users", OwnUserViewSet, "own-user")
router.register("me/phone/favourites", FavouriteViewSet, "favourite")
router.register("me/sessions", OwnSessionViewSet, "own-session")
router.register("origins", OriginViewSet, "origin")
router.register("tokens", TokenViewSet, "token")

urlpatterns = [
    path("domains/check", CheckDomainsView.as_view(), name="domains-check"),
    path("users/import", ImportUsersView.as_view(), name="users-import"),
    path("users/export", ExportUsersView.as_view(), name="users-export"),
    path("users/bulk", BulkUsersView.as_view(), name="users-bulk"),
    path("translations/try", TryView.as_view(), name="translations-try"),
    path("translations/effect", EffectView.as_view(), name="translations-effect"),
    path("", include(router.urls)),
    path("relays", RelaysView.as_view(), name="relays"),
    path("health", HealthView.as_view(), name="api-health"),
    path("locate", LocateView.as_view(), name="locate"),
    path("me", MeView.as_view(), name="me"),
    path("me/phone", MyPhoneView.as_view(), name="my-phone"),
    path("me/phone/pass", MyPassView.as_view(), name="my-pass"),
    path("session", SessionView.as_view(), name="session"),
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", DocsView.as_view(), name="api-docs"),
]
