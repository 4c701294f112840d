"""Users from a CSV file: a preview that tells every bad row, then all of them or none."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from admin_ui import forms
from admin_ui.frame import tenant_page
from fedsip_platform import csv_export
from fedsip_platform.directory import imports, passwords
from fedsip_platform.directory.models import Domain
from fedsip_platform.directory.services import ServiceError
from fedsip_platform.tasks import jobs
from fedsip_platform.tasks.models import Kind

SHOWN_ROWS = 20
MOST_AT_ONCE = 500  # more are a job
COLUMNS = {
    "username": "username",
    "user": "username",
    "password": "password",
    "display_name": "display_name",
    "name": "display_name",
}


class BadFile(Exception):
    """The file is none of users; the message is for the person who chose it."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the file holds, and for which users we made the password."""

    users: list[imports.NewSubscriber]
    made: list[imports.NewSubscriber]


@tenant_page("users")
def import_users(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST with `try`: a preview. POST with `import`: it is done, by a job where
    the file is large."""
    domains = request.place.scope.visible(Domain.objects.select_related("tenant"))
    form = forms.ImportForm(request.POST or None, request.FILES or None, domains=domains)
    context: dict[str, Any] = {"form": form, "has_domains": domains.exists()}
    if request.method == "POST" and form.is_valid():
        try:
            domain, for_good = form.cleaned_data["domain"], "import" in request.POST
            rows = _read(form.cleaned_data["file"].read(), domain)
            if len(rows.users) > MOST_AT_ONCE:
                if for_good:
                    return _by_job(request, domain, rows)
                context |= {"domain": domain, **_looked_at(rows), "is_large": True}
            else:
                context |= _outcome(domain, rows, for_good)
        except BadFile as problem:
            form.add_error("file", str(problem))
    partial = request.headers.get("HX-Request") == "true"
    page = "admin_ui/users/import_result.html" if partial else "admin_ui/users/import.html"
    response = render(request, page, context)
    response["Cache-Control"] = "no-store"  # a result may hold passwords
    return response


def _by_job(request: HttpRequest, domain: Domain, rows: Rows) -> HttpResponse:
    """Many users are checked and made in the background; the job's page shows how far it is.

    Who exists already is changed to what the row says, and keeps a password that it leaves out.
    """
    known = set(domain.subscribers.values_list("username", flat=True))
    made = {row.username for row in rows.made if row.username.lower() not in known}
    kept = {row.username for row in rows.made} - made
    source = (
        {"address": f"{row.username}@{domain.name}", "display_name": row.display_name}
        | ({} if row.username in kept else {"password": row.password})
        for row in rows.users
    )
    passwords_made = [
        {"address": f"{row.username}@{domain.name}", "password": row.password}
        for row in rows.made
        if row.username in made
    ]
    options = {"mode": "all_or_none"}
    tenant = request.place.tenant  # type: ignore[attr-defined]
    job = jobs.start(Kind.IMPORT_USERS, tenant, request.user, options, source, made=passwords_made)
    address = reverse("job", args=[tenant.slug, job.public_id])
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(headers={"HX-Redirect": address})
    return redirect(address)


def _looked_at(rows: Rows) -> dict[str, Any]:
    return {
        "amount": len(rows.users),
        "shown": rows.users[:SHOWN_ROWS],
        "made_count": len(rows.made),
    }


def _outcome(domain: Domain, rows: Rows, for_good: bool) -> dict[str, Any]:
    """Import, or do it and take it back: the preview is then told exactly what would be told."""
    try:
        with transaction.atomic():
            amount = imports.create_subscribers(domain, rows.users)
            if not for_good:
                transaction.set_rollback(True)
    except ServiceError as error:
        return {"problems": [_problem(*each) for each in error.problems], "rows": len(rows.users)}
    if not for_good:
        return {"domain": domain, **_looked_at(rows)}
    return {"amount": amount, "domain": domain, "is_done": True, "made": _as_csv(rows.made)}


def _problem(field: str, reason: str) -> dict[str, str]:
    """`row 3: username` of the service is the file's line 4: the first names the columns."""
    row, colon, name = field.partition(": ")
    if not colon or not row.startswith("row "):
        return {"line": "", "field": field, "reason": reason}
    return {"line": str(int(row.removeprefix("row ")) + 1), "field": name, "reason": reason}


def _read(content: bytes, domain: Domain) -> Rows:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(
            _("This is not UTF-8; save the file as “CSV UTF-8” and choose it again.")
        ) from error
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text), delimiter=";" if ";" in first else ",", strict=True)
    try:
        lines = [line for line in reader if any(line)]
    except csv.Error as error:
        raise BadFile(
            _("Line %(line)d is no CSV: %(why)s.") % {"line": reader.line_num, "why": error}
        ) from error
    names = [COLUMNS.get(cell.strip().lower(), "") for cell in lines[0]] if lines else []
    if "username" not in names:
        raise BadFile(_("The first line must name the columns, and one must be “username”."))
    if len(lines) == 1:
        raise BadFile(_("There is no user in it, only the line that names the columns."))
    return _rows(names, lines[1:], f"@{domain.name}")


def _rows(names: list[str], lines: list[list[str]], suffix: str) -> Rows:
    users, made = [], []
    for line in lines:
        cells = {name: cell for name, cell in zip(names, line, strict=False) if name}
        password = cells.get("password", "")
        row = imports.NewSubscriber(
            cells.get("username", "").strip().removesuffix(suffix),
            password or passwords.generated(),
            cells.get("display_name", "").strip(),
        )
        users.append(row)
        if not password:
            made.append(row)
    return Rows(users, made)


def _as_csv(rows: list[imports.NewSubscriber]) -> str:
    return "".join(csv_export.of_things(("username", "password"), rows)) if rows else ""
