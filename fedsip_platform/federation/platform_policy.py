"""What the platform says of calls with other domains, where a domain says nothing itself."""

from __future__ import annotations

from fedsip_platform.directory.models import Domain
from fedsip_platform.directory.models.policies import Federation
from proxy.settings import ProxySettings

Both = tuple[Federation, Federation]
"""Of calls to other domains, and of calls from them."""


def of_platform() -> Both:
    """What the settings say."""
    settings = ProxySettings.from_env()
    return Federation(settings.federation), Federation(settings.federation_in)


def in_force(domain: Domain, platform: Both) -> Both:
    """What the domain says, or else what the platform does."""
    to, from_ = Federation(domain.federation), Federation(domain.federation_in)
    return (
        platform[0] if to == Federation.PLATFORM else to,
        platform[1] if from_ == Federation.PLATFORM else from_,
    )
