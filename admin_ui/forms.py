"""Forms of the dashboard. They ask; services decide, and their refusals come back to the fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.utils.translation import gettext_lazy as _

from fedsip_platform.directory import services
from fedsip_platform.directory.models import Domain, Subscriber, Translation
from fedsip_platform.directory.models.policies import Federation
from fedsip_platform.directory.services import ServiceError
from fedsip_platform.federation import platform_policy
from fedsip_platform.tenants.models import Tenant

Made = TypeVar("Made")

LARGEST_FILE = 20_000_000
MEDIA = {
    "media_policy": _("Way of sound and picture"),
    "srtp": _("Encryption of sound and picture"),
    "codecs": _("Codecs"),
}
"""Labels of what domains and users say of media."""


def attempt(form: forms.BaseForm, change: Callable[[dict[str, Any]], Made]) -> Made | None:
    """Have a service make the change; what it refuses stands beside the fields. None: refused."""
    if not form.is_valid():
        return None
    try:
        return change(form.cleaned_data)
    except ServiceError as error:
        for field, reason in error.problems:
            form.add_error(field if field in form.fields else None, reason)
        return None


def changed(form: forms.BaseForm) -> dict[str, Any]:
    """The fields that the person changed, with their new values."""
    return {name: form.cleaned_data[name] for name in form.changed_data}


class NewUserForm(forms.Form):
    """A user, with a password of one's own or one that we make."""

    username = forms.CharField(
        label=_("User name"), max_length=64, help_text=_("The part before @. It cannot change.")
    )
    domain = forms.ModelChoiceField(Domain.objects.none(), label=_("Domain"), empty_label=None)
    display_name = forms.CharField(label=_("Name"), max_length=100, required=False)
    password = forms.CharField(
        label=_("Password for the phone"),
        required=False,
        strip=False,
        max_length=services.LONGEST_PASSWORD,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("Leave it empty and we make one that can be typed on a phone."),
    )

    def __init__(self, *args: Any, domains: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["domain"].queryset = domains


class UserForm(forms.ModelForm):
    """What can change about a user."""

    class Meta:
        model = Subscriber
        fields = (
            *("display_name", "max_contacts", "max_calls", "media_policy", "srtp", "codecs"),
            "note",
        )
        labels = {
            "display_name": _("Name"),
            "max_contacts": _("Devices at most"),
            "max_calls": _("Calls at the same time"),
            **MEDIA,
            "note": _("Note"),
        }


class ImportForm(forms.Form):
    """A file of users; it is read and never kept."""

    domain = forms.ModelChoiceField(Domain.objects.none(), label=_("Domain"), empty_label=None)
    file = forms.FileField(
        label=_("CSV file"),
        help_text=_(
            "UTF-8, with a first line that names the columns: username, password, display_name. "
            "Without a password we make one."
        ),
    )

    def __init__(self, *args: Any, domains: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["domain"].queryset = domains
        self.fields["file"].widget.attrs["accept"] = ".csv,text/csv"

    def clean_file(self) -> Any:
        """Refuse what would take minutes."""
        file = self.cleaned_data["file"]
        if file.size > LARGEST_FILE:
            raise forms.ValidationError(_("Use a file of at most 20 MB; split a larger one."))
        return file


class NewDomainForm(forms.Form):
    """A domain by its name alone; policies have good defaults."""

    name = forms.CharField(
        label=_("Domain"),
        max_length=300,
        help_text=_("The part after @ in addresses, such as example.com."),
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)


class PolicyForm(forms.ModelForm):
    """The policies of a domain."""

    class Meta:
        model = Domain
        fields = (
            *("enabled", "require_tls", "hide_users", "federation", "federation_in"),
            *("stranger_methods", "calls_in_per_domain", "calls_in_per_stranger"),
            *("calls_out_per_domain", "calls_out_per_user", "unauthenticated"),
            *("unauthenticated_calls_out", "media_policy", "srtp", "codecs", "nat_keepalive"),
            *("nat_alias_contact", "enum", "e164", "e164_country", "time_zone", "trace"),
            *("trace_days", "max_subscribers", "max_contacts"),
            *("min_expires", "default_expires", "max_expires", "note"),
        )
        labels = {
            "enabled": _("On"),
            "require_tls": _("TLS required"),
            "hide_users": _("Users hidden from strangers"),
            "unauthenticated": _("Anybody registers"),
            "unauthenticated_calls_out": _("… and calls other domains"),
            **MEDIA,
            "time_zone": _("Time zone"),
            "note": _("Note"),
            "stranger_methods": _("What strangers may send"),
            "calls_in_per_domain": _("A minute from one domain"),
            "calls_in_per_stranger": _("A minute from one stranger"),
            "calls_out_per_domain": _("A minute to one domain"),
            "calls_out_per_user": _("A minute of one user to one domain"),
            "max_subscribers": _("Users at most"),
            "max_contacts": _("Devices of one user"),
            "min_expires": _("Shortest registration"),
            "default_expires": _("Usual registration"),
            "max_expires": _("Longest registration"),
        }
        help_texts = {
            "require_tls": _("Phones must use TLS or secure WebSocket; others are refused."),
            "hide_users": _("Strangers get the same answer for unknown and unregistered users."),
            "federation": _("Whom your users may call. All other calls are refused, and listed."),
            "federation_in": _("Who may call your users. All other calls are refused, and listed."),
            "media_policy": _(
                "Through the relay it passes firewalls and its quality is measured; past it, "
                "phones must reach each other."
            ),
            "srtp": _("Always encrypted: a phone that cannot do that has no calls."),
            "nat_keepalive": _("Phones behind NAT are pinged, so that calls reach them."),
            "trace": _("Off: a call's page has no messages, and nobody sees why it failed."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = platform_policy.of_platform()
        for name, policy in zip(("federation", "federation_in"), said, strict=True):
            self.fields[name].choices = [
                (value, f"{label} ({policy.label})" if value == Federation.PLATFORM else label)
                for value, label in Federation.choices
            ]


class RuleForm(forms.ModelForm):
    """A translation: when it matches, and what it makes of the call."""

    class Meta:
        model = Translation
        fields = (
            *("enabled", "note", "match_regex", "from_username", "request_domain"),
            *("match_user_agent", "hours", "valid_from", "valid_until", "priority", "weight"),
            *("tran_user", "tran_strip", "tran_prefix", "tran_domain", "tran_port"),
            *("tran_strip_port", "tran_trunk", "tran_from_user", "tran_from_display"),
            *("tran_add_header", "tran_remove_header"),
        )
        labels = {
            "enabled": _("On"),
            "match_regex": _("Dialled number or name"),
            "from_username": _("Caller"),
            "request_domain": _("Called domain"),
            "match_user_agent": _("Phone (User-Agent)"),
            "tran_user": _("New user"),
            "tran_strip": _("Take off characters"),
            "tran_prefix": _("Put in front"),
            "tran_domain": _("Send to domain"),
            "tran_port": _("Port"),
            "tran_strip_port": _("Without port"),
            "hours": _("Hours"),
            "valid_from": _("From (UTC)"),
            "valid_until": _("Until (UTC)"),
            "tran_trunk": _("By trunk"),
            "tran_from_user": _("Shown number"),
            "tran_from_display": _("Shown name"),
            "tran_add_header": _("Add header lines"),
            "tran_remove_header": _("Remove headers"),
            "note": _("Note"),
            "priority": _("Priority"),
            "weight": _("Weight"),
        }
        widgets = {
            "tran_add_header": forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
            "valid_from": forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
            "valid_until": forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        trunks = self.instance.domain.trunks.values_list("name", flat=True)
        chosen = self.instance.tran_trunk
        names = sorted({*trunks, *([chosen] if chosen else [])})
        self.fields["tran_trunk"] = forms.ChoiceField(
            label=_("By trunk"),
            required=False,
            choices=[("", _("none")), *((name, name) for name in names)],
            help_text=_("The call leaves by the gateways of this carrier."),
        )


class TenantForm(forms.ModelForm):
    """A tenant, as operators make and limit it."""

    class Meta:
        model = Tenant
        fields = (
            *("name", "slug", "enabled", "max_domains", "max_subscribers", "max_rules"),
            *("max_calls", "max_calls_per_second", "require_mfa"),
        )
        labels = {
            "name": _("Name"),
            "enabled": _("On"),
            "require_mfa": _("Second factor required"),
            "slug": _("Short name"),
            "max_domains": _("Domains at most"),
            "max_subscribers": _("Users at most"),
            "max_rules": _("Rules at most"),
            "max_calls": _("Calls at the same time"),
            "max_calls_per_second": _("Calls begun in a second"),
        }


class BlockForm(forms.Form):
    """An address to ignore, for thirty days."""

    address = forms.CharField(label=_("Address"), max_length=45)
    evidence = forms.CharField(label=_("Why"), max_length=1000, required=False)


class AllowForm(forms.Form):
    """A network that nothing blocks."""

    network = forms.CharField(
        label=_("Network"), max_length=50, help_text=_("An address, or such as 192.0.2.0/24.")
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)


class TrialForm(forms.Form):
    """A call to rehearse; `of_form` is the id of the form that its fields are sent with, where they
    stand outside of it."""

    caller = forms.CharField(
        label=_("Caller"), max_length=64, help_text=_("A user's name, the part before @.")
    )
    dialled = forms.CharField(
        label=_("Dials"), max_length=400, help_text=_("A name, a number or an address.")
    )
    user_agent = forms.CharField(label=_("Phone"), max_length=200, required=False)
    at = forms.DateTimeField(
        label=_("When (UTC)"),
        required=False,
        input_formats=["%Y-%m-%dT%H:%M"],
        widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"),
        help_text=_("Empty: now."),
    )

    def __init__(self, *args: Any, of_form: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = not of_form  # the other form is sent without a call, too
        for field in self.fields.values():
            if of_form:
                field.widget.attrs["form"] = of_form
            field.widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}
