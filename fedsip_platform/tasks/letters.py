"""Posts letters (fedsip_platform/mail.py). Each goes out at least once, with back-off."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta

from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from fedsip_platform.celery import app

from . import queue
from .models import Letter

logger = logging.getLogger(__name__)

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
MOST_ATTEMPTS = 20


def hand_over(letter_id: int) -> None:
    """Have a worker post this letter now."""
    queue.soon(post_letter, letter_id)


@app.task
def post_letter(letter_id: int) -> bool:
    """Post one letter, unless another worker does it or did."""
    with transaction.atomic():
        waiting = Letter.objects.select_for_update(skip_locked=True).filter(pk=letter_id)
        letter = waiting.filter(due_at__lte=timezone.now()).first()
        if letter is None:
            return False
        try:
            EmailMessage(letter.subject, letter.body, to=letter.to.split(", ")).send()
        except (OSError, smtplib.SMTPException) as error:
            _put_off(letter, str(error) or type(error).__name__)
            return False
        letter.delete()
    return True


@app.task
def post_waiting() -> int:
    """Post what a lost broker or a dead mail server has left."""
    due = Letter.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    return sum(post_letter(letter_id) for letter_id in due.values_list("pk", flat=True)[:1000])


def _put_off(letter: Letter, problem: str) -> None:
    letter.attempts += 1
    letter.problem = problem
    if letter.attempts >= MOST_ATTEMPTS:
        logger.error("letter given up id=%d problem=%s", letter.pk, problem)
        letter.delete()
        return
    wait = min(FIRST_WAIT * 2 ** (letter.attempts - 1), LONGEST_WAIT)
    letter.due_at = timezone.now() + wait
    letter.save()
    logger.warning("letter put off id=%d problem=%s", letter.pk, problem)
