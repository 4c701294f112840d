"""A person with a browser, as far as forms go: reads pages, sends forms, follows redirects."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from django.http import HttpResponse

from fedsip_platform.tenants.models import Person
from tests.platform.world import Api


class Visitor:
    """`shown` is the text of the page that was read last."""

    def __init__(self, person: Person) -> None:
        self._client = Api(person)._client
        self.shown = ""
        self.status = 0
        self.answer: HttpResponse | None = None

    def reads(self, path: str) -> str:
        return self._note(self._client.get(path, secure=True, follow=True))

    def sends(self, path: str, **fields: Any) -> str:
        return self._note(self._client.post(path, fields, secure=True, follow=True))

    @property
    def problems(self) -> list[str]:
        """What stands beside the fields and above the form."""
        found = re.findall(r'class="(?:invalid-feedback d-block|problem)"[^>]*>([^<]*)', self.shown)
        return [text.strip() for text in found]

    def _note(self, answer: Any) -> str:
        self.answer, self.status = answer, answer.status_code
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        self.shown = unescape(body.decode())
        return self.shown
