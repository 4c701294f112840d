#!/usr/bin/env python3
"""Django's commands; `./fedsip` is the comfortable way to them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fedsip_platform.settings")
    import django
    from django.core.management import execute_from_command_line

    django.setup()
    from fedsip_platform.cli import speech

    with speech.terminal_language(sys.argv[1:]):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
