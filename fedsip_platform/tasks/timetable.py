"""What celery does by itself, and how often. Read by settings.py: nothing of Django in it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

TIMETABLE: dict[str, dict[str, Any]] = {
    "prune changes": {
        "task": "fedsip_platform.tasks.housekeeping.prune_changes",
        "schedule": timedelta(minutes=5),
    },
    "prune registrations": {
        "task": "fedsip_platform.tasks.housekeeping.prune_bindings",
        "schedule": timedelta(minutes=15),
    },
    "forget dead nodes": {
        "task": "fedsip_platform.tasks.housekeeping.forget_nodes",
        "schedule": timedelta(hours=1),
    },
    "tell webhooks": {
        "task": "fedsip_platform.tasks.webhooks.deliver_due",
        "schedule": timedelta(seconds=2),
    },
    "forget old deliveries": {
        "task": "fedsip_platform.tasks.webhooks.forget_deliveries",
        "schedule": timedelta(days=1),
    },
    "take up jobs": {
        "task": "fedsip_platform.tasks.jobs.resume",
        "schedule": timedelta(seconds=5),
    },
    "forget old jobs": {
        "task": "fedsip_platform.tasks.jobs.forget_jobs",
        "schedule": timedelta(days=1),
    },
    "post waiting letters": {
        "task": "fedsip_platform.tasks.letters.post_waiting",
        "schedule": timedelta(minutes=1),
    },
    "forget old audit entries": {
        "task": "fedsip_platform.tasks.housekeeping.forget_audit",
        "schedule": timedelta(days=1),
    },
    "forget old refusals": {
        "task": "fedsip_platform.tasks.housekeeping.forget_refusals",
        "schedule": timedelta(days=1),
    },
    "forget remembered requests": {
        "task": "fedsip_platform.tasks.housekeeping.forget_remembered_requests",
        "schedule": timedelta(hours=1),
    },
    "sample registrations": {
        "task": "fedsip_platform.tasks.observing.sample_registrations",
        "schedule": timedelta(minutes=5),
    },
    "close lost calls": {
        "task": "fedsip_platform.tasks.observing.close_lost_calls",
        "schedule": timedelta(minutes=1),
    },
    "forget messages": {
        "task": "fedsip_platform.tasks.observing.forget_messages",
        "schedule": timedelta(hours=1),
    },
    "forget calls": {
        "task": "fedsip_platform.tasks.observing.forget_calls",
        "schedule": timedelta(days=1),
    },
    "forget observations": {
        "task": "fedsip_platform.tasks.observing.forget_observations",
        "schedule": timedelta(hours=1),
    },
    "forget old sign-ins": {
        "task": "fedsip_platform.tasks.housekeeping.forget_sign_ins",
        "schedule": timedelta(days=1),
    },
    "check domains that were asked for": {
        "task": "fedsip_platform.tasks.checks.check_left",
        "schedule": timedelta(seconds=10),
    },
    "check domains": {
        "task": "fedsip_platform.tasks.checks.check_domains",
        "schedule": timedelta(minutes=5),
    },
}

MODULES = sorted({str(entry["task"]).rpartition(".")[0] for entry in TIMETABLE.values()})
