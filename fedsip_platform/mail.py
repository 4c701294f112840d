"""Letters: rendered here, posted by celery, so that no page waits for a mail server.

A letter is kept as a row until a mail server has it; a worker that dies, or a broker that is away,
only delays it.
"""

from __future__ import annotations

from typing import Any

from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string

from fedsip_platform.tasks import letters
from fedsip_platform.tasks.models import Letter


def send(template: str, to: str, context: dict[str, Any]) -> Letter:
    """Post the letter that `TEMPLATE_subject.txt` and `TEMPLATE_message.txt` make."""
    subject = " ".join(render_to_string(f"{template}_subject.txt", context).split())
    body = render_to_string(f"{template}_message.txt", context)
    return post(EmailMessage(f"fedsip: {subject}", body, to=[to]))


def post(message: EmailMessage) -> Letter:
    """Post a letter once the transaction is through."""
    letter = Letter.objects.create(
        to=", ".join(message.to), subject=message.subject, body=str(message.body)
    )
    transaction.on_commit(lambda: letters.hand_over(letter.pk))
    return letter
