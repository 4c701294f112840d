"""Each page tells the call of the API that gives the same, and that call is there."""

from __future__ import annotations

import re

import pytest

from admin_ui.api_calls import CALLS
from fedsip_platform.people import services as people
from tests.platform.aims import operations
from tests.platform.test_dashboard_isolation import OF_OPERATORS, SHOWN, address
from tests.platform.world import Api, World, make_person

pytestmark = [pytest.mark.db, pytest.mark.django_db]

FILES = {"call-export", "call-packets", "user-export", "audit-export"}
# Of whoever is signed in, below no tenant.
OWN = {
    "mine": "/mine/",
    "my-user": "/mine/{key}",
    "mfa_index": "/account/mfa/",
    "usersessions_list": "/account/sessions/",
}


def test_every_page_has_one() -> None:
    assert SHOWN.keys() | OF_OPERATORS.keys() | OWN.keys() == CALLS.keys() | FILES


def test_every_one_is_an_operation() -> None:
    there = {(re.sub(r"{\w+}", "{key}", path), method) for path, method in operations()}
    for name, call in CALLS.items():
        path = re.sub(r"{\w+}", "{key}", call.path.partition("?")[0])
        assert (path, call.method.lower()) in there, name


def test_own_pages_show_it_and_it_answers(acme: World) -> None:
    bob = make_person("bob@people.example")
    people.own(acme.user, bob)
    caller = Api(bob)
    for name, path in OWN.items():
        if name == "mine":  # leads to the only one
            continue
        shown = caller.get(path.format(key=acme.user.public_id)).content.decode()
        found = re.search(r'data-api="GET (/api/v1/[^"]+)"', shown)
        assert found, name
        assert caller.get(found[1]).status_code == 200, found[1]


def test_pages_show_it_and_it_answers(acme: World, as_operator: Api) -> None:
    owner = Api(acme.people["owner"])
    pages = [(owner, name, address(name, acme, SHOWN[name], acme)) for name in SHOWN]
    pages += [(as_operator, name, find(acme)) for name, find in OF_OPERATORS.items()]
    for person, name, path in pages:
        if name in FILES:
            continue
        shown = person.get(path).content.decode()
        found = re.search(r'data-api="(GET|POST|DELETE) (/api/v1/[^"]+)"', shown)
        assert found, name
        if found[1] == "GET" and name != "softphone":  # nobody has a phone here
            assert person.get(found[2]).status_code == 200, found[2]
