"""A tenant from nothing to a first call's rules, as an operator's program would do it: written
against the client that test_typed_client.py generates, and checked by mypy --strict against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from fedsip_client import AuthenticatedClient
from fedsip_client.api.aliases import aliases_create
from fedsip_client.api.domains import domains_create, domains_retrieve, domains_update
from fedsip_client.api.tenants import tenants_create, tenants_usage_list
from fedsip_client.api.translations import translations_create
from fedsip_client.api.users import users_list, users_update
from fedsip_client.api.webhooks import webhooks_create
from fedsip_client.models import (
    AliasRequest,
    DomainRequest,
    EventsEnum,
    PatchedDomainRequest,
    PatchedUserRequest,
    Problem,
    TenantRequest,
    TranslationRequest,
    WebhookRequest,
)

T = TypeVar("T")


@dataclass(frozen=True)
class Provisioned:
    """What was made, as the API says it afterwards."""

    users: list[str]
    require_tls: bool
    used: dict[str, int | None]
    secret: str
    refusal: Problem


class Refused(Exception):
    """The API refused; the problem says why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


def provision(client: AuthenticatedClient) -> Provisioned:
    """Make a tenant with a domain, users, an alias, a rule and a webhook."""
    made(tenants_create.sync(client=client, body=TenantRequest(name="Globex", slug="globex")))
    domain = DomainRequest(tenant="globex", name="globex.example")
    made(domains_create.sync(client=client, body=domain, idempotency_key="globex-1"))
    made(domains_create.sync(client=client, body=domain, idempotency_key="globex-1"))
    changes = PatchedDomainRequest(require_tls=True)
    made(domains_update.sync("globex.example", client=client, body=changes))
    for name in ("homer", "lenny"):
        user = PatchedUserRequest(password=f"a password of {name}", display_name=name.title())
        made(users_update.sync(f"{name}@globex.example", client=client, body=user))
    alias = AliasRequest(domain="globex.example", name="100", target="homer")
    made(aliases_create.sync(client=client, body=alias))
    rule = TranslationRequest(domain="globex.example", match_regex="^200$", tran_user="lenny")
    made(translations_create.sync(client=client, body=rule))
    webhook = WebhookRequest(
        tenant="globex", url="https://hooks.globex.example/", events=[EventsEnum.CALL_ENDED]
    )
    secret = made(webhooks_create.sync(client=client, body=webhook)).secret
    listed = made(users_list.sync(client=client, domain="globex.example"))
    usage = tenants_usage_list.sync("globex", client=client)
    if not isinstance(usage, list):
        raise AssertionError(usage)
    refusal = domains_retrieve.sync("elsewhere.example", client=client)
    if not isinstance(refusal, Problem):
        raise AssertionError(refusal)
    return Provisioned(
        users=[user.address for user in listed.results],
        require_tls=made(domains_retrieve.sync("globex.example", client=client)).require_tls
        is True,
        used={each.name: each.used for each in usage},
        secret=secret,
        refusal=refusal,
    )


def made(answer: T | Problem | None) -> T:
    """The thing itself, or Refused."""
    if answer is None:
        raise AssertionError("no answer")
    if isinstance(answer, Problem):
        raise Refused(answer)
    return answer
