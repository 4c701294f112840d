"""Webhooks: told at least once, signed, put off when nobody answers, and never sent inwards."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from fedsip_platform.calls.models import LiveCall
from fedsip_platform.location.models import Binding
from fedsip_platform.tasks import webhooks as tasks
from fedsip_platform.webhooks import services, targets
from fedsip_platform.webhooks.models import Delivery, Webhook
from tests.platform.world import Api, World, make_call

pytestmark = [pytest.mark.db, pytest.mark.django_db]


class Receiver:
    """An HTTP server that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.status = 200
        self.answer = b""
        self.trickles = 0
        """So many bytes come one by one before the answer does."""
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.pause = threading.Event()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append((dict(self.headers), body))
                for _ in range(receiver.trickles):
                    self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    receiver.pause.wait(0.05)
                self.send_response(receiver.status)
                if receiver.status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.send_header("Content-Length", str(len(receiver.answer)))
                self.end_headers()
                self.wfile.write(receiver.answer)

            def log_message(self, *_: Any) -> None:
                """No line for each request."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?a=b"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEB = replace(settings.WEB, webhook_private=True)
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def alone(acme: World) -> World:
    """Acme without the webhook that every world has."""
    Webhook.objects.all().delete()
    return acme


def test_test_button_sends_something_signed(
    alone: World, receiver: Receiver, as_admin: Api
) -> None:
    body = {"url": receiver.url, "events": ["call.ended"]}
    made = as_admin.post("webhooks", body).json()
    assert made["secret"]
    assert made["secret"] not in Webhook.objects.get().secret
    assert "secret" not in as_admin.get(f"webhooks/{made['id']}").json()
    assert as_admin.post(f"webhooks/{made['id']}/test").status_code == 202
    assert tasks.deliver_due() == 1
    ((headers, sent),) = receiver.got
    assert headers["Fedsip-Event"] == json.loads(sent)["event"] == "test"
    at, mac = (part.partition("=")[2] for part in headers["Fedsip-Signature"].split(","))
    expected = hmac.new(made["secret"].encode(), f"{at}.".encode() + sent, hashlib.sha256)
    assert hmac.compare_digest(mac, expected.hexdigest())
    (shown,) = as_admin.get(f"webhook-deliveries?webhook={made['id']}").json()["results"]
    assert (shown["state"], shown["status"], shown["attempts"]) == ("delivered", 200, 1)
    assert headers["Fedsip-Delivery"] == shown["id"]
    assert tasks.deliver_due() == 0


def test_what_happens_is_told(alone: World, rival: World) -> None:
    events = ["registration.added", "registration.ended", "call.started", "call.answered"]
    webhook, _ = services.create(alone.tenant, "https://hooks.example/", [*events, "call.ended"])
    now = timezone.now()
    for world in (alone, rival):
        binding = Binding.objects.create(
            binding_id=f"new {world.domain}",
            aor=world.user.aor,
            domain=world.domain,
            contact="sip:x@192.0.2.1",
            contact_key="x",
            expires_at=now,
            registered_at=now,
            updated_at=now,
        )
        Binding.objects.filter(pk=binding.pk).update(expires_at=now + timedelta(hours=1))
        Binding.objects.filter(pk=binding.pk).update(deleted=True)
        call = LiveCall.objects.create(
            call_id="a", tenant=world.tenant, domain=world.domain, started_at=now
        )
        LiveCall.objects.filter(call_id="a").update(ringing_at=now)
        LiveCall.objects.filter(pk=call.pk).update(answered_at=now)
        make_call(world.tenant, world.domain)
    told = [each.event for each in Delivery.objects.filter(webhook=webhook).order_by("pk")]
    assert told == [*events, "call.ended"]
    ended = Delivery.objects.get(webhook=webhook, event="call.ended")
    assert ended.body["caller"] == "sip:alice@example.com"
    added = Delivery.objects.get(webhook=webhook, event="registration.added")
    assert added.body["address"] == "alice@example.com"


def test_what_was_rolled_back_is_not_told(alone: World) -> None:
    services.create(alone.tenant, "https://hooks.example/", ["call.ended"])
    with transaction.atomic():
        make_call(alone.tenant, alone.domain)
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_only_what_is_wanted_is_told(alone: World) -> None:
    webhook, _ = services.create(alone.tenant, "https://hooks.example/", ["call.ended"])
    services.publish(alone.tenant, "domain.check_failed", {})
    assert not Delivery.objects.exists()
    services.update(webhook, enabled=False)
    make_call(alone.tenant, alone.domain)
    assert not Delivery.objects.exists()
    services.update(webhook, enabled=True, events=["domain.check_failed"])
    assert services.publish(alone.tenant, "domain.check_failed", {"domain": "x"}) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_refused_delivery_is_put_off_and_given_up(
    alone: World, receiver: Receiver, status: int
) -> None:
    webhook, _ = services.create(alone.tenant, receiver.url, ["call.ended"])
    delivery = services.test(webhook)
    receiver.status = status
    for attempt in range(1, tasks.MOST_ATTEMPTS + 1):
        assert tasks.deliver_due() == 0
        delivery.refresh_from_db()
        assert (delivery.attempts, delivery.status) == (attempt, status)
        assert tasks.deliver_due() == 0  # not due yet
        assert len(receiver.got) == attempt
        Delivery.objects.update(due_at=timezone.now())
    assert delivery.state == "failed"
    receiver.status = 200
    services.retry(delivery)
    assert tasks.deliver_due() == 1
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (b"", ""),
        (b'{"error": "no such queue"}', '{"error": "no such queue"}'),
        (b"a\x00b\xff", "a\ufffdb\ufffd"),
        (b"x" * 100_000, "x" * 2000),
    ],
)
def test_what_was_answered_is_kept(
    alone: World, receiver: Receiver, as_admin: Api, answer: bytes, kept: str
) -> None:
    webhook, _ = services.create(alone.tenant, receiver.url, ["call.ended"])
    services.test(webhook)
    receiver.status, receiver.answer = 503, answer
    tasks.deliver_due()
    (shown,) = as_admin.get("webhook-deliveries").json()["results"]
    assert (shown["status"], shown["answer"]) == (503, kept)


def test_waiting_gets_longer(alone: World, settings: Any) -> None:
    settings.WEB = replace(settings.WEB, webhook_private=True)
    webhook, _ = services.create(alone.tenant, "http://127.0.0.1:1/", ["call.ended"])
    delivery = services.test(webhook)
    waits = []
    for _ in range(4):
        before = timezone.now()
        tasks.deliver_due()
        delivery.refresh_from_db()
        waits.append(round((delivery.due_at - before).total_seconds(), -1))
        assert "refused" in delivery.problem
        Delivery.objects.update(due_at=timezone.now())
    assert waits == [10, 20, 40, 80]


def test_dead_worker_leaves_a_lease_that_ends(alone: World, receiver: Receiver) -> None:
    webhook, _ = services.create(alone.tenant, receiver.url, ["call.ended"])
    services.test(webhook)
    assert len(tasks._claim()) == 1  # and the worker dies here
    assert tasks.deliver_due() == 0
    Delivery.objects.update(due_at=timezone.now())
    assert tasks.deliver_due() == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "ftp://hooks.example/",
        "https://",
        "https://user:password@hooks.example/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fd00::1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:a00:1::1]/",
        "https://[::10.0.0.1]/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://168.63.129.16/",
        "https://[64:ff9b:1::a00:1]/",
        "https://[::ffff:0:10.0.0.1]/",
        "https://[fec0::1]/",
        "https://hooks.example:0/",
        "https://hooks.example:99999/",
        "https://hooks.example/\r\nX: y",
        "https://hooks example/",
        "javascript:alert(1)",
        "https://ü.example/",
        "",
        "x" * 600,
    ],
)
def test_address_that_is_refused(as_admin: Api, url: str) -> None:
    refused = as_admin.post("webhooks", {"url": url, "events": ["call.ended"]})
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "url"


def test_names_that_lead_inwards_are_refused(alone: World) -> None:
    for host in ("localhost", "127.1", "0x7f.1"):
        with pytest.raises((targets.TargetRefused, targets.DeliveryFailed)):
            targets.public_address(host, 443)
    webhook, _ = services.create(alone.tenant, "https://localhost/", ["call.ended"])
    delivery = services.test(webhook)
    assert tasks.deliver_due() == 0
    delivery.refresh_from_db()
    assert "not a public address" in delivery.problem


def test_an_answer_that_trickles_is_given_up(
    alone: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its bytes comes long before a silence would end it."""
    monkeypatch.setattr(targets, "MOST_SECONDS", 0.3)
    receiver.trickles = 1000
    services.create(alone.tenant, receiver.url, ["call.ended"])
    with pytest.raises(targets.DeliveryFailed):
        targets.post(receiver.url, b"{}", {})
    assert receiver.got


def test_viewers_only_look(alone: World) -> None:
    viewer = Api(alone.people["viewer"])
    webhook, _ = services.create(alone.tenant, "https://hooks.example/", ["call.ended"])
    assert viewer.get(f"webhooks/{webhook.public_id}").status_code == 200
    assert viewer.post(f"webhooks/{webhook.public_id}/test").status_code == 403
    assert (
        viewer.post("webhooks", {"url": "https://a.example/", "events": ["call.ended"]}).status_code
        == 403
    )


@pytest.mark.parametrize("events", [[], ["test"], ["x"], "call.ended", None, [None], [["a"]]])
def test_events_that_are_none(as_admin: Api, events: Any) -> None:
    refused = as_admin.post("webhooks", {"url": "https://a.example/", "events": events})
    assert refused.status_code == 400


def test_old_deliveries_are_forgotten(alone: World) -> None:
    webhook, _ = services.create(alone.tenant, "https://hooks.example/", ["call.ended"])
    services.test(webhook)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=15))
    assert tasks.forget_deliveries() == 0  # it still waits
    Delivery.objects.update(state="failed")
    assert tasks.forget_deliveries() == 1
