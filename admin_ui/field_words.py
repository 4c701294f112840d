"""What fields are called where a change of them is told: as on the forms that change them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.forms import BaseForm
from django.utils.translation import gettext_lazy as _

from admin_ui import forms, routing_forms, settings_forms

_FORMS: Mapping[str, tuple[type[BaseForm], ...]] = {
    "tenant": (forms.TenantForm,),
    "domain": (forms.PolicyForm, forms.NewDomainForm),
    "user": (forms.UserForm, forms.NewUserForm),
    "translation": (forms.RuleForm,),
    "alias": (routing_forms.AliasForm,),
    "forward": (routing_forms.ForwardForm,),
    "ringgroup": (routing_forms.RingGroupForm,),
    "trunk": (routing_forms.TrunkForm,),
    "gateway": (routing_forms.GatewayForm,),
    "outboundpolicy": (routing_forms.OutboundPolicyForm,),
    "federationrule": (routing_forms.PeerForm,),
    "webhook": (settings_forms.WebhookForm,),
    "token": (settings_forms.TokenForm,),
    "invitation": (settings_forms.InviteForm,),
    "allowedsource": (forms.AllowForm,),
    "blockedsource": (forms.BlockForm,),
}
# Fields that no form of their kind has.
_OTHERS = {
    **routing_forms.COMMON,
    "accepted_at": _("Accepted"),
    "digest": _("Key of the letter"),
    "domain": _("Domain"),
    "email": _("E-mail address"),
    "expires_at": _("Ends"),
    "invited_by": _("Invited by"),
    "origin": _("Web site"),
    "ownership_proved_at": _("Ownership proved"),
    "password": _("Password"),
    "person": _("Person"),
    "prefix": _("Beginning of the token"),
    "role": _("May"),
    "secret": _("Key of signatures"),
    "subscriber": _("User"),
    "tenant": _("Tenant"),
    "trunk": _("Trunk"),
    "user": _("User"),
    "vouched": _("Vouched for by an operator"),
}


def label_of(kind: str, name: str) -> Any:
    """The label of a field of a kind of thing; the field's own name where no page shows it."""
    for form in _FORMS.get(kind, ()):
        field = form.base_fields.get(name)  # type: ignore[attr-defined]
        if field is not None and field.label:
            return field.label
    return _OTHERS.get(name, name)
