"""Languages that the pages speak: English, and each that has a compiled catalogue below `locale/`.

`manage.py makemessages -l de` writes `locale/de/LC_MESSAGES/django.po` with every sentence that a
person may see, `manage.py compilemessages` makes the catalogue of it (docs/operations.md).
"""

from __future__ import annotations

from pathlib import Path

from django.conf.locale import LANG_INFO

FOLDER = Path(__file__).resolve().parent / "locale"
ENGLISH = ("en-gb", "English")


def offered(folder: Path = FOLDER) -> list[tuple[str, str]]:
    """Code and own name of each language, English first."""
    codes = sorted(
        compiled.parent.parent.name.lower().replace("_", "-")
        for compiled in folder.glob("*/LC_MESSAGES/django.mo")
    )
    return [ENGLISH, *((code, LANG_INFO.get(code, {}).get("name_local", code)) for code in codes)]
