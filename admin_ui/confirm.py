"""The page that asks before something is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from fedsip_platform.changes import ServiceError


def ask_first(
    request: HttpRequest,
    act: Callable[[], None],
    *,
    done: str,
    to: str,
    heading: str,
    consequence: str,
    button: str,
    back: str,
    undo: Callable[[], str] | None = None,
    **more: Any,
) -> HttpResponse:
    """Ask; when the answer comes, act, say that it is done and go `to` an address.

    A refusal is shown beside the question; `back` is where the person goes who says no, and `undo`
    gives the address that takes it back once it is done.
    """
    problem = ""
    if request.method == "POST":
        try:
            act()
        except ServiceError as error:
            problem = error.reason
        else:
            messages.success(request, done, extra_tags=f"undo:{undo()}" if undo else "")
            return redirect(to)
    context = {
        "heading": heading,
        "consequence": consequence,
        "problem": problem,
        "button": button,
        "back": back,
        **more,
    }
    return render(request, "admin_ui/confirm.html", context)
