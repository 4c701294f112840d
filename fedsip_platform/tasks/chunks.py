"""What jobs read and what they make, in sealed parts: rows may hold passwords."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import transaction

from fedsip_platform import sealing

from .models import Chunk, Job

ROWS_A_CHUNK = 500
PURPOSE = "job"


def put(job: Job, number: int, rows: list[Any], *, is_result: bool) -> None:
    """Keep rows as a chunk of the job."""
    sealed = sealing.seal(json.dumps(rows), PURPOSE)
    Chunk.objects.create(job=job, number=number, rows=len(rows), sealed=sealed, is_result=is_result)


def rows_of(chunk: Chunk) -> list[Any]:
    """The rows of a chunk."""
    return list(json.loads(sealing.unseal(chunk.sealed, PURPOSE)))


@transaction.atomic
def take_results(job: Job) -> list[Any]:
    """What a job has made, once: nobody can take it again."""
    Job.objects.select_for_update().get(pk=job.pk)
    taken = list(results(job))
    job.chunks.filter(is_result=True).delete()
    return taken


def results(job: Job) -> Iterator[Any]:
    """What a job has made, row by row."""
    for chunk in job.chunks.filter(is_result=True).order_by("number").iterator(chunk_size=1):
        yield from rows_of(chunk)
