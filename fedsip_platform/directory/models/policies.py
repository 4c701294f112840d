"""What domains and users choose among."""

from __future__ import annotations

from django.db import models

LONGEST_CODECS = 200
AS_THE_DOMAIN = "as the domain says"


class MediaPolicy(models.TextChoices):
    ALWAYS = "always", "always through the relay"
    AUTO = "auto", "through the relay where NAT or profiles differ"
    NEVER = "never", "never through the relay"


class Srtp(models.TextChoices):
    OFF = "off", "plain RTP only"
    OFFERED = "offered", "encrypted when the phone asks for it"
    REQUIRED = "required", "always encrypted, by keys in the signalling (SDES)"
    DTLS = "dtls", "always encrypted, by DTLS-SRTP"


class Federation(models.TextChoices):
    PLATFORM = "platform", "as the platform says"
    OPEN = "open", "calls with every domain"
    VERIFIED_TLS = "verified_tls", "only over TLS with a certificate of the other domain"
    ALLOW_LIST = "allow_list", "only with listed domains"
    CLOSED = "closed", "no calls with other domains"
