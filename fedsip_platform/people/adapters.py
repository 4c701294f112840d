"""How django-allauth behaves here: nobody signs up uninvited; addresses are the connection's."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fedsip_platform import mail, sealing


class AccountAdapter(DefaultAccountAdapter):
    """Accounts with a password."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The address or the password is wrong."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People come by invitation (people/services.py)."""
        return False

    def get_user_search_fields(self) -> list[str]:
        """For Django's admin of django-allauth's models."""
        return ["email", "name"]

    def get_client_ip(self, request: HttpRequest) -> str:
        """TrustedProxies has put the believable address there."""
        return request.META.get("REMOTE_ADDR") or "0.0.0.0"  # noqa: S104 - a unix socket has none

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count no password here: axes counts them by address, nobody by whose they would be."""

    def format_email_subject(self, subject: str) -> str:
        return f"fedsip: {subject}"

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        message = self.render_mail(template_prefix, email, context)
        mail.post(message)


class SecondFactorAdapter(DefaultMFAAdapter):
    """Authenticator apps, passkeys, recovery codes: their secrets are sealed."""

    def encrypt(self, text: str) -> str:
        return sealing.seal(text, "second factor")

    def decrypt(self, encrypted_text: str) -> str:
        return sealing.unseal(encrypted_text, "second factor")


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """Accounts of the one identity provider that the settings name."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """The provider says who somebody is; who may come in is said by invitations."""
        return False

    def list_apps(self, request: HttpRequest, provider: Any = None, client_id: Any = None) -> Any:
        """None at all unless FEDSIP_WEB_OIDC_ISSUER is set."""
        return super().list_apps(request, provider, client_id) if settings.WEB.oidc_issuer else []
