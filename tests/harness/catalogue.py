"""Compiled catalogues of what scripts say, in languages that there are none of."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_MARKED = re.compile(r"""\b_\("(.*?)"[,)]""")


def catalogue(folder: Path, language: str, sentences: Mapping[str, str]) -> Path:
    """Write `folder` as one of LOCALE_PATHS."""
    place = folder / language / "LC_MESSAGES"
    place.mkdir(parents=True)
    header = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n'
    entries = [
        f"msgid {json.dumps(said, ensure_ascii=False)}\n"
        f"msgstr {json.dumps(text, ensure_ascii=False)}\n"
        for said, text in sentences.items()
    ]
    written = place / "djangojs.po"
    written.write_text("\n".join([header, *entries]), encoding="utf-8")
    subprocess.run(["msgfmt", "-o", place / "djangojs.mo", written], check=True)
    (place / "django.mo").write_bytes((place / "djangojs.mo").read_bytes())
    return folder


def phone_in_brackets() -> dict[str, str]:
    """Every sentence of the softphone, in brackets."""
    files = (ROOT / "admin_ui" / "frontend" / "phone").glob("*.js")
    said = {each for file in files for each in _MARKED.findall(file.read_text())}
    return {each: f"⟦{each}⟧" for each in said}
