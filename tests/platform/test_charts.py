"""What a call's page draws of its sound."""

from __future__ import annotations

import pytest

from admin_ui import charts
from tests.platform.browsing import Visitor
from tests.platform.test_overview import chart
from tests.platform.world import World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]

MEDIA = [
    {"sender": "caller", "series": [[100, 4.4, 0, 1], [105, 4.0, 2, 1], [110, 4.4, 0, 1]]},
    {"sender": "callee", "series": [[101, 3.0, 9, 1], [105, 3.5, 5, 1]]},
    {"sender": "callee", "series": [[100, 1.0, 90, 1], [105, 1.0, 90, 1]]},
]
FULL = {"codec": "PCMA", "packets": 100, "lost": 0, "jitter_ms": 1.0, "mos": 4.0}


def test_both_directions_stand_on_one_time_axis() -> None:
    made = charts.of_call(MEDIA)
    assert [one["x"] for one in made.values()] == [[100, 101, 105, 110]] * 3
    assert {name: [line["values"] for line in one["series"]] for name, one in made.items()} == {
        "mos": [[4.4, None, 4.0, 4.4], [None, 3.0, 3.5, None]],
        "loss": [[0, None, 2, 0], [None, 9, 5, None]],
        "jitter": [[1, None, 1, 1], [None, 1, 1, None]],
    }
    assert charts.of_call([{"sender": "caller", "series": [[100, 4.4, 0, 1]]}]) == {}
    assert charts.of_call([{"sender": "caller"}]) == {}


def test_the_page_of_a_call_shows_it(acme: World) -> None:
    call = make_call(acme.tenant, acme.domain, media=[FULL | each for each in MEDIA])
    shown = Visitor(acme.people["viewer"]).reads(f"/t/acme/calls/{call.public_id}")
    assert chart(shown, "sound-over-time")[0] == [4.4, None, 4.0, 4.4]
    assert chart(shown, "loss-over-time") == [[0, None, 2, 0], [None, 9, 5, None]]
    assert chart(shown, "jitter-over-time")[1] == [None, 1, 1, None]
    live = Visitor(acme.people["viewer"]).reads(f"/t/acme/calls/{acme.live_call.public_id}")
    assert "sound-over-time" not in live
