"""The platform's settings, for processes that speak a language more: its catalogue lies in `locale`
of the state directory, where tests/harness/catalogue.py writes it."""

from __future__ import annotations

import os
from pathlib import Path

from fedsip_platform import languages
from fedsip_platform.settings import *  # noqa: F403

LOCALE_PATHS = [Path(os.environ["FEDSIP_STATE_DIR"]) / "locale"]
LANGUAGES = languages.offered(LOCALE_PATHS[0])
