"""Form fields of lists: a line for each, or a box to tick for each."""

from __future__ import annotations

from typing import Any

from django import forms


class LinesField(forms.CharField):
    """Many short texts, each on a line of its own; commas part them too."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})
        super().__init__(**{"required": False, "max_length": 20_000, "widget": widget, **kwargs})

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def clean(self, value: Any) -> list[str]:  # type: ignore[override]
        text = super().clean(value) or ""
        pieces = (piece.strip() for piece in text.replace(",", "\n").splitlines())
        return [piece for piece in pieces if piece]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.clean(data)


class TicksField(forms.TypedMultipleChoiceField):
    """Some of few choices, each with a box to tick."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"widget": forms.CheckboxSelectMultiple, "required": False, **kwargs})

    def has_changed(self, initial: Any, data: Any) -> bool:
        return sorted(initial or []) != sorted(data or [])
