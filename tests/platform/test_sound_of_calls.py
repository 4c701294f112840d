"""What the relay found wrong with a call's sound, as it is told by REST and on the pages."""

from __future__ import annotations

from html import escape

import pytest

from tests.platform.world import Api, World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

SENTENCE = "DTLS with bob's phone never began; is UDP to port 30004 open?"
SAID = "nothing was heard from the callee, who never began DTLS"


def test_the_relays_words_and_their_meaning(acme: World, as_admin: Api) -> None:
    call = make_call(
        acme.tenant,
        acme.domain,
        call_id="mute",
        verdict=["no_dtls_callee"],
        verdict_text=[SENTENCE],
        media=[{"sender": "caller", "packets": 5, "round_trip_ms": 12.5}],
    )
    found = as_admin.get(f"calls/{call.public_id}").json()
    assert found["verdict"] == ["no_dtls_callee"]
    assert found["verdict_text"] == [SENTENCE]
    assert found["summary"] == f"alice called bob for 60 s; bob hung up; {SAID}."
    page = Api(acme.people["owner"]).get(f"/t/acme/calls/{call.public_id}").content.decode()
    assert f"bob hung up; {SAID}." in page
    assert escape(SENTENCE) in page
    assert "12.5 ms" in page


def test_calls_with_bad_sound_are_found(acme: World) -> None:
    make_call(acme.tenant, acme.domain, caller="sip:dave@example.com", verdict=["loss_caller"])
    make_call(
        acme.tenant,
        acme.domain,
        caller="sip:erin@example.com",
        verdict=["other_address_caller", "other_address_callee"],
    )
    owner = Api(acme.people["owner"])
    all_calls = owner.get("/t/acme/calls/").content.decode()
    assert all_calls.count("bad sound</span>") == 1
    bad = owner.get("/t/acme/calls/?result=bad").content.decode()
    assert ("dave" in bad, "erin" in bad) == (True, False)
