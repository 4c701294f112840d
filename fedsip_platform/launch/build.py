"""`./fedsip build`: everything that is made once from the sources, for images and for speed."""

from __future__ import annotations

import argparse

from fedsip_platform.launch import compiler, front_end, progress, relay_compiler


def build(words: list[str]) -> int:
    """Build the dashboard's pages, and compile proxy and relay where there is a compiler."""
    parser = argparse.ArgumentParser(
        prog="fedsip build",
        description="Build the dashboard's pages (as `up` does when they are missing), and compile "
        "the proxy's hot modules and the relay's packet path where there is a C compiler.",
    )
    parser.add_argument("--pages", action="store_true", help="only the pages")
    parser.add_argument("--proxy", action="store_true", help="only the proxy")
    chosen = parser.parse_args(words)
    if not chosen.proxy:
        front_end.prepare()
        progress.say(f"the dashboard's pages are in {front_end.FOLDER / front_end.BUILT}")
    if not chosen.pages:
        lacking = compiler.prepare()
        progress.say(f"the proxy runs as {compiler.described()}")
        if lacking:
            progress.say(lacking)
    if not (chosen.pages or chosen.proxy):
        lacking = relay_compiler.prepare()
        progress.say(f"the relay runs as {relay_compiler.described()}")
        if lacking:
            progress.say(lacking)
    return 0
