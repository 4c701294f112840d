"""Forms of a tenant's people and rules, and of webhooks."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from admin_ui.list_fields import TicksField
from fedsip_platform.api.areas import Scope as TokenScope
from fedsip_platform.tenants.models import Role, Tenant
from fedsip_platform.webhooks.models import Event, Webhook

# A token of one tenant sees nothing of the platform, whoever has made it.
OPERATORS_ALONE = {TokenScope.PLATFORM_READ}


class OwnerForm(forms.Form):
    """Whose a SIP user is to be."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)


class InviteForm(OwnerForm):
    """Who is to look after the tenant, and how far."""

    role = forms.ChoiceField(label=_("May"), choices=Role.choices, initial=Role.ADMIN)


class TenantRulesForm(forms.ModelForm):
    """What an owner says of the whole tenant."""

    class Meta:
        model = Tenant
        fields = ("name", "require_mfa")
        labels = {"name": _("Name"), "require_mfa": _("Second factor required")}


class TokenForm(forms.Form):
    """What a program may do, and for how long."""

    name = forms.CharField(
        label=_("Name"), max_length=100, widget=forms.TextInput({"placeholder": _("What uses it")})
    )
    scopes = TicksField(
        label=_("It may"),
        choices=[choice for choice in TokenScope.choices if choice[0] not in OPERATORS_ALONE],
        required=True,
        initial=[TokenScope.READ.value],
        help_text=_("Whatever may change something may also read it."),
    )
    days = forms.IntegerField(
        label=_("Days until it ends"),
        min_value=1,
        max_value=3650,
        required=False,
        help_text=_("Empty: it works until it is withdrawn."),
    )


class WebhookForm(forms.ModelForm):
    """Where it goes, and what it is told."""

    events = TicksField(
        label=_("Is told"),
        choices=[choice for choice in Event.choices if choice[0] != Event.TEST],
    )

    class Meta:
        model = Webhook
        fields = ("url", "events", "enabled", "note")
        labels = {"url": _("Address"), "enabled": _("On"), "note": _("Note")}
