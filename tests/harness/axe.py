"""axe-core in a page: what keeps people with a keyboard or a screen reader out of it."""

from __future__ import annotations

from playwright.sync_api import Page

from fedsip_platform.launch import front_end

_SOURCE = front_end.FOLDER / "node_modules" / "axe-core" / "axe.min.js"
_RUN = """async (root) => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const options = { runOnly: tags, resultTypes: ["violations"] };
  const found = await axe.run(root ?? document, options);
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target} ${failureSummary}`));
}"""


def violations(page: Page, root: str | None = None) -> list[str]:
    """Each rule that a part of the page breaks: `assert violations(page) == []`.

    `root` is a selector that keeps it to a part. Given as an expression of the debugger, since the
    dashboard's Content-Security-Policy lets no script into the page.
    """
    page.evaluate(_SOURCE.read_text())
    return list(page.evaluate(_RUN, root))
