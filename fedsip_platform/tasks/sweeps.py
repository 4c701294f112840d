"""What one step of a check of many domains does: the DNS is asked of some of them."""

from __future__ import annotations

from fedsip_platform.directory.models import Domain
from fedsip_platform.federation import checks

from .models import Job
from .user_jobs import MOST_PROBLEMS

DOMAINS_A_STEP = 10  # asked at the same time; to cancel waits for their answers at most


def step(job: Job) -> bool:
    """Check the next domains of the tenant; of all tenants, where it is no tenant's job."""
    domains = Domain.objects.filter(enabled=True, tenant__enabled=True).select_related("tenant")
    if job.tenant is not None:
        domains = domains.filter(tenant=job.tenant)
    if not job.total:
        job.total = domains.count()
    part = list(domains.filter(pk__gt=job.options.get("after", 0)).order_by("pk")[:DOMAINS_A_STEP])
    for found in checks.check(part):
        job.counted[found.state] = job.counted.get(found.state, 0) + 1
        for reason in found.problems:
            if len(job.problems) < MOST_PROBLEMS:
                problem = {"row": 0, "address": found.domain.name, "field": "", "reason": reason}
                job.problems.append(problem)
    job.done += len(part)
    if part:
        job.options["after"] = part[-1].pk
    return len(part) == DOMAINS_A_STEP
