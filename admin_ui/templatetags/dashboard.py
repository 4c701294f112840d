"""Small pieces that templates say over and over: icons, bundles, times, durations, form fields."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from django import template
from django.forms import BoundField, CheckboxSelectMultiple
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from fedsip_platform.calls import verdict
from fedsip_platform.calls.models import CallRecord
from fedsip_platform.directory import names
from fedsip_platform.tenants.models import Person

register = template.Library()

BUILD = Path(__file__).resolve().parent.parent / "static" / "admin_ui" / "build"
JUST_NOW = timedelta(minutes=1)
BROWSERS = (
    *(("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("FxiOS", "Firefox")),
    *(("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari")),
)
"""As User-Agent has them, and their names: the first in it is meant, later ones it only claims."""
SYSTEMS = (
    *(("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows")),
    *(("Mac OS X", "macOS"), ("Linux", "Linux")),
)


@register.simple_tag
def bundle(name: str) -> str:
    """The address of a built file, with the build's mark so that browsers take the new one."""
    return f"{static(f'admin_ui/build/{name}')}?{_version()}"


@cache
def _version() -> str:
    mark = BUILD / "built"
    return mark.read_text()[:12] if mark.exists() else "0"


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """One of the icons of frontend/icons.txt; it is decoration, so readers do not speak it."""
    return format_html(
        '<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        extra,
        bundle("icons.svg"),
        name,
    )


@register.simple_tag
def when(moment: datetime | None, missing: str = "") -> SafeString | str:
    """A time in words with the exact one on hover; the browser puts it into the person's zone."""
    if moment is None:
        return missing
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(),
        date_format(moment, "j F Y, H:i:s"),
        _in_words(moment),
    )


def _in_words(moment: datetime) -> str:
    now = timezone.now()
    distance = moment - now
    if abs(distance) < JUST_NOW:
        return _("just now") if distance < timedelta(0) else _("in a moment")
    if distance > timedelta(0):
        return _("in %(time)s") % {"time": timesince(now, moment, depth=1)}
    return _("%(time)s ago") % {"time": timesince(moment, now, depth=1)}


@register.filter
def seconds(value: float | timedelta | None) -> str:
    """A duration as people say it: 0:07, 3:41, 1:02:09."""
    if value is None:
        return ""
    total = int(value.total_seconds() if isinstance(value, timedelta) else value)
    hours, rest = divmod(max(total, 0), 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


@register.simple_tag
def nobody_has_signed_in() -> bool:
    """Whether the platform is new: then the door says where its first password stands."""
    return not Person.objects.filter(last_login__isnull=False).exists()


@register.simple_tag
def running(since: datetime, now: datetime) -> SafeString:
    """A duration that goes on; the browser counts it further (parts/times.js)."""
    lasting = now - since
    passed = max(0.0, lasting.total_seconds())
    return format_html('<span data-seconds="{}">{}</span>', f"{passed:.1f}", seconds(lasting))


@register.filter
def percent(part: int, whole: int) -> int:
    """A share in whole percent."""
    return round(100 * part / whole) if whole else 0


@register.inclusion_tag("admin_ui/parts/field.html")
def field(bound: BoundField, label: str = "", hint: str = "") -> dict[str, Any]:
    """One form field with its label, its explanation and what is wrong with it."""
    widget = bound.field.widget
    is_many = isinstance(widget, CheckboxSelectMultiple)
    kind = "checkboxes" if is_many else getattr(widget, "input_type", "")
    described = [f"{bound.auto_id}-hint"] if hint or bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}-wrong")
    css = {"checkbox": "form-check-input", "checkboxes": "tick", "select": "form-select"}.get(
        kind, "form-control"
    )
    attributes = {"class": f"{css} is-invalid" if bound.errors else css}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {
        "bound": bound,
        "input": bound.as_widget(attrs=attributes),
        "label": label or bound.label,
        "hint": hint or bound.help_text,
        "is_switch": kind == "checkbox",
        "is_many": is_many,
    }


@register.filter
def undo(message: Any) -> str:
    """The address that takes back what a message tells, or nothing."""
    tags = (message.extra_tags or "").split()
    return next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:")), "")


@register.filter
def sip(uri: str) -> str:
    """An address without scheme and parameters, as people say it."""
    scheme, _colon, rest = uri.partition(":")
    bare = rest if scheme in ("sip", "sips", "tel") else uri
    return bare.partition(";")[0].partition("?")[0]


@register.filter
def talked(call: Any) -> str:
    """How long a call was connected."""
    return seconds(call.ended_at - call.answered_at) if call.answered_at else ""


@register.simple_tag(takes_context=True)
def live(context: Any, kinds: str, part: str, with_it: str = "") -> SafeString:
    """Attributes that fetch this part of the page anew, and the parts `with_it`, when live.js hears
    of such a change. `live_at` of the context is the page's address, where it is another's answer.
    """
    events = ", ".join(f"live:{kind} from:body" for kind in [*kinds.split(), "reload"])
    return format_html(
        'hx-get="{}" hx-select="{}" hx-swap="outerHTML" hx-trigger="{}"{}',
        context.get("live_at") or context["request"].get_full_path(),
        part,
        events,
        format_html(' hx-select-oob="{}"', with_it) if with_it else "",
    )


@register.inclusion_tag("admin_ui/parts/quality.html")
def quality_bars(call: Any) -> dict[str, Any]:
    """How a call sounded, as bars with a word."""
    word = verdict.quality_of(call.mos)
    bars = {"good": 4, "fair": 3, "poor": 1}.get(word, 0)
    return {
        "bars": bars,
        "word": word,
        "said": verdict.QUALITIES.get(word, ""),
        "mos": call.mos,
        "is_bad": verdict.is_bad(call),
    }


@register.filter
def why(call: CallRecord) -> str:
    """What was wrong with a call; empty where nothing was."""
    return verdict.why(call)


@register.filter
def with_code(text: str) -> SafeString:
    """A text in which what stands in backticks is code."""
    parts = text.split("`")
    return format_html_join(
        "",
        "{}",
        (
            (format_html("<code>{}</code>", part) if at % 2 else part,)
            for at, part in enumerate(parts)
        ),
    )


@register.filter
def browser(user_agent: str) -> str:
    """A browser's name and its system, as far as its User-Agent says so; else all that it says."""
    name = next((said for word, said in BROWSERS if f"{word}/" in user_agent), "")
    system = next((said for word, said in SYSTEMS if word in user_agent), "")
    return " · ".join(part for part in (name, system) if part) if name else user_agent[:60]


@register.filter
def pretty(value: Any) -> str:
    """JSON as people read it."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def readable(name: str) -> str:
    """A domain's name in the letters of its language."""
    return names.readable(name)
