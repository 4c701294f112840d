"""Finding users by what somebody types: the beginning of their address, or of words of their name.

Both have an index, so that a search costs what it finds and not what the tenant has. The words of a
name are what directory_name_words of migration 0011 makes of it, split as here.
"""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQueryField, SearchVectorField
from django.db.models import BooleanField, Expression, F, Field, Func, Q, Value

MOST_WORDS = 10
BETWEEN_WORDS = r"[\s!-/:-@\[-`{-~]+"


class NameWords(Func):
    """The words of a name, in lower case."""

    function = "directory_name_words"
    output_field = SearchVectorField()


class BeginningOfWord(Func):
    """A query for texts with a word that begins so."""

    template = "(quote_literal(lower(%(expressions)s)) || ':*')::tsquery"
    output_field = SearchQueryField()


class IsOneOf(Func):
    """Whether a value is in an array."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


def joined(operator: str, *parts: Expression, output: Field[Any, Any]) -> Func:
    """An operator of PostgreSQL's between them."""
    return Func(*parts, template="(%(expressions)s)", arg_joiner=operator, output_field=output)


def users_like(text: str) -> Q:
    """Users whose address begins with this, or whose name has for each of its words one that
    begins so, in any order and case.

    Both ways are asked first and their answers are an array (PostgreSQL takes it for short), so
    that it never walks through all users of the tenant in search of the few.
    """
    users = apps.get_model("directory", "Subscriber").objects.order_by()
    found = users.filter(aor__startswith=text.strip().lower()).values("pk")
    words = [word for word in re.split(BETWEEN_WORDS, text) if word][:MOST_WORDS]
    if words:
        beginnings = [BeginningOfWord(Value(word)) for word in words]
        asked = joined(" && ", *beginnings, output=SearchQueryField())
        name = NameWords(F("display_name"))
        named = users.filter(joined(" @@ ", name, asked, output=BooleanField()))
        found = found.union(named.values("pk"))
    return Q(IsOneOf(F("pk"), ArraySubquery(found)))
