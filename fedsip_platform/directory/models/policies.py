"""What domains and users choose among."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

LONGEST_CODECS = 200
AS_THE_DOMAIN = _("as the domain says")


class MediaPolicy(models.TextChoices):
    ALWAYS = "always", _("always through the relay")
    AUTO = "auto", _("through the relay where it is needed")
    NEVER = "never", _("never through the relay")


class Srtp(models.TextChoices):
    OFF = "off", _("plain RTP only")
    OFFERED = "offered", _("encrypted where the phone can")
    REQUIRED = "required", _("always encrypted, by keys in the signalling (SDES)")
    DTLS = "dtls", _("always encrypted, by DTLS-SRTP")


class Federation(models.TextChoices):
    PLATFORM = "platform", _("as the platform says")
    OPEN = "open", _("calls with every domain")
    VERIFIED_TLS = "verified_tls", _("only over TLS with a certificate of the other domain")
    ALLOW_LIST = "allow_list", _("only with listed domains")
    CLOSED = "closed", _("no calls with other domains")
