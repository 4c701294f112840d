"""The members of a JSON list, one after the other, without the whole of it in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from django.utils.translation import gettext as _

_CHUNK = 256 * 1024
LARGEST_MEMBER = 1024 * 1024
_BLANK = " \t\r\n"


class JsonError(Exception):
    """The text is no list in JSON."""


def read(file: TextIO) -> Iterator[Any]:
    """Each member of the list that the file holds."""
    text = _Text(file)
    if text.next() != "[":
        raise JsonError(_("it does not begin with ["))
    text.skip()
    if text.next() == "]":
        text.skip()
    else:
        yield text.member()
        while (mark := text.next()) == ",":
            text.skip()
            yield text.member()
        if mark != "]":
            raise JsonError(
                _("the list breaks off")
                if not mark
                else _("%(mark)s in place of a comma") % {"mark": repr(mark)}
            )
        text.skip()
    if text.next():
        raise JsonError(_("something stands behind the list"))


class _Text:
    """What has been read of the file and not been used yet."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._held = ""
        self._at = 0
        self._decode = json.JSONDecoder().raw_decode

    def next(self) -> str:
        """The next character that is no white space; nothing at the end."""
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._held) or not self._more():
                return self._held[self._at : self._at + 1]

    def skip(self) -> None:
        self._at += 1

    def member(self) -> Any:
        self.next()
        while True:
            try:
                found, end = self._decode(self._held, self._at)
            except ValueError as error:
                if len(self._held) - self._at > LARGEST_MEMBER or not self._more():
                    raise JsonError(str(error)) from error
            except RecursionError as error:
                raise JsonError(_("it is nested too deeply")) from error
            else:
                if end < len(self._held) or not self._more():  # a number might go on
                    self._at = end
                    return found

    def _more(self) -> bool:
        read = self._file.read(_CHUNK)
        self._held = self._held[self._at :] + read
        self._at = 0
        return bool(read)
