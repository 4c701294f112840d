"""Forms of aliases, ring groups, trunks, forwards, other domains, and what may be dialled."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from admin_ui.list_fields import LinesField, TicksField
from fedsip_platform.directory.services import LONGEST_PASSWORD
from fedsip_platform.federation.models import FederationRule
from fedsip_platform.routing import checks
from fedsip_platform.routing.models import (
    Alias,
    Forward,
    ForwardWhen,
    Gateway,
    OutboundPolicy,
    RingGroup,
    Trunk,
)

COMMON = {"name": _("Name"), "enabled": _("On"), "note": _("Note")}
"""Labels of fields that most of these have."""


class AliasForm(forms.ModelForm):
    """Another name or number."""

    class Meta:
        model = Alias
        fields = ("name", "target", "enabled", "note")
        labels = {**COMMON, "name": _("Name or number"), "target": _("Leads to")}


class RingGroupForm(forms.ModelForm):
    """A name that rings several users."""

    members = LinesField(
        label=_("Members"), help_text=_("Users, each on a line, in the order of ringing.")
    )

    class Meta:
        model = RingGroup
        fields = ("name", "members", "strategy", "ring_seconds", "fallback", "enabled", "note")
        labels = {
            **COMMON,
            "strategy": _("Rings"),
            "ring_seconds": _("Seconds of ringing"),
            "fallback": _("Then"),
        }
        help_texts = {"ring_seconds": _("How long each member rings, or all of them at once.")}


class TrunkForm(forms.ModelForm):
    """A carrier."""

    inbound_addresses = LinesField(
        label=_("Its calls come from"),
        help_text=_("Addresses or small networks, each on a line, such as 192.0.2.0/28."),
    )
    password = forms.CharField(
        label=_("Its password"),
        required=False,
        strip=False,
        max_length=LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    class Meta:
        model = Trunk
        fields = (
            *("name", "inbound_addresses", "inbound_tls_name", "account", "password"),
            *("registers", "options_seconds", "enabled", "note"),
        )
        labels = {
            **COMMON,
            "inbound_tls_name": _("Or with a certificate for"),
            "account": _("Our account there"),
            "registers": _("Register there"),
            "options_seconds": _("Seconds between health checks"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = (
            _("There is one; leave this empty and it stays.")
            if self.instance.has_password
            else _("It is sealed before it is kept; nobody can read it again.")
        )


class GatewayForm(forms.ModelForm):
    """One host of a trunk."""

    class Meta:
        model = Gateway
        fields = ("host", "port", "transport", "priority", "weight", "enabled")
        labels = {
            **COMMON,
            "host": _("Host"),
            "port": _("Port"),
            "transport": _("Transport"),
            "priority": _("Priority"),
            "weight": _("Weight"),
        }


class ForwardForm(forms.ModelForm):
    """Where a user's calls go instead."""

    class Meta:
        model = Forward
        fields = ("condition", "target", "ring_seconds", "enabled", "note")
        labels = {
            **COMMON,
            "condition": _("When"),
            "target": _("To"),
            "ring_seconds": _("Seconds of ringing before"),
        }
        help_texts = {"ring_seconds": _("Counts only where nobody answers in time.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["condition"].choices = ForwardWhen.choices


class PeerForm(forms.ModelForm):
    """What one of our domains says of another."""

    class Meta:
        model = FederationRule
        fields = ("pattern", "direction", "allow", "verified", "trusted", "enabled", "note")
        labels = {
            **COMMON,
            "pattern": _("Domain"),
            "direction": _("Direction"),
            "allow": _("Allowed"),
            "verified": _("Only with a certificate"),
            "trusted": _("Trusted"),
        }


class OutboundPolicyForm(forms.ModelForm):
    """What may be dialled, and which number is shown; for one user or for all others."""

    user = forms.CharField(
        label=_("User"),
        required=False,
        max_length=320,
        help_text=_("A user's name. Empty: everybody without a policy of their own."),
    )
    classes = TicksField(
        label=_("May call"),
        choices=checks.CLASSES,
        help_text=_("Users of your own domains always may be called."),
    )

    class Meta:
        model = OutboundPolicy
        fields = ("caller_id", "caller_name", "classes", "allow_regex", "deny_regex", "note")
        labels = {
            **COMMON,
            "caller_id": _("Number shown"),
            "caller_name": _("Name shown"),
            "allow_regex": _("Allowed besides"),
            "deny_regex": _("Never allowed"),
        }

    field_order = ("user",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None:
            del self.fields["user"]  # whose it is was said once
