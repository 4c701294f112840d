"""One armed timer for many deadlines."""

from proxy.core.timer_queue import MOST_AT_ONCE, TICKS_PER_SECOND, TimerQueue
from proxy.sip.transaction import NEVER
from tests.harness.clock import Clock


class Thing:
    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.queued_at = NEVER


class Waker:
    """A queue with a record of what was due and when."""

    def __init__(self) -> None:
        self.clock = Clock(0.0)
        self.seen: list[tuple[Thing, float]] = []
        self.queue = TimerQueue(self.clock, self.due)

    def due(self, thing: Thing, now: float) -> None:
        self.seen.append((thing, now))
        thing.deadline = NEVER

    def add(self, deadline: float) -> Thing:
        thing = Thing(deadline)
        self.queue.schedule(thing)
        return thing


def test_one_timer_armed_for_the_earliest():
    waker = Waker()
    for deadline in (5.0, 2.0, 9.0, 3.0):
        waker.add(deadline)
    assert waker.clock.armed() == [2.0]
    waker.clock.advance(10)
    assert [now for _, now in waker.seen] == [2.0, 3.0, 5.0, 9.0]
    assert waker.clock.armed() == []


def test_a_deadline_that_moved_later_is_not_due_early():
    waker = Waker()
    thing = waker.add(1.0)
    thing.deadline = 4.0
    waker.queue.schedule(thing)
    waker.clock.advance(3)
    assert waker.seen == []
    waker.clock.advance(1)
    assert waker.seen == [(thing, 4.0)]


def test_a_deadline_that_moved_earlier():
    waker = Waker()
    thing = waker.add(9.0)
    thing.deadline = 1.0
    waker.queue.schedule(thing)
    waker.clock.advance(20)
    assert waker.seen == [(thing, 1.0)]


def test_a_deadline_that_went_away():
    waker = Waker()
    thing = waker.add(1.0)
    thing.deadline = NEVER
    waker.clock.advance(5)
    assert waker.seen == []
    assert thing.queued_at == NEVER
    assert waker.clock.armed() == []


def test_a_thing_that_is_due_again():
    waker = Waker()
    fired = []

    class Repeats(Thing):
        pass

    def due(thing: Thing, now: float) -> None:
        fired.append(now)
        thing.deadline = now + 1.0 if now < 3.0 else NEVER

    queue = TimerQueue(waker.clock, due)
    queue.schedule(Repeats(1.0))
    waker.clock.advance(10)
    assert fired == [1.0, 2.0, 3.0]


def test_wake_ups_are_gathered_in_ticks_and_never_early():
    waker = Waker()
    things = {waker.add(1.0 + at / 1000): 1.0 + at / 1000 for at in range(100)}
    waker.clock.advance(2)
    assert len({now for _, now in waker.seen}) == 6
    for thing, now in waker.seen:
        assert 0 <= now - things.pop(thing) < 1 / TICKS_PER_SECOND
    assert things == {}


def test_deadlines_that_no_float_holds_exactly():
    waker = Waker()
    waker.clock.advance(0.1)
    things = [waker.add(0.1 + at * 0.1) for at in range(1, 50)]
    waker.clock.advance(0.1)
    for _ in range(60):
        waker.clock.advance(0.1)
    assert [thing for thing, _ in waker.seen] == things
    assert waker.clock.armed() == []


def test_a_deadline_that_has_passed_already():
    waker = Waker()
    waker.clock.advance(5)
    thing = waker.add(1.0)
    waker.clock.advance(0)
    assert waker.seen == [(thing, 5.0)]


def test_scheduling_while_due():
    waker = Waker()

    def due(thing: Thing, now: float) -> None:
        waker.seen.append((thing, now))
        thing.deadline = NEVER
        if len(waker.seen) < 3:
            waker.queue.schedule(Thing(now + 0.5))

    waker.queue = TimerQueue(waker.clock, due)
    waker.queue.schedule(Thing(1.0))
    waker.clock.advance(5)
    assert [now for _, now in waker.seen] == [1.0, 1.5, 2.0]


def test_close_disarms():
    waker = Waker()
    waker.add(1.0)
    waker.queue.close()
    waker.clock.advance(5)
    assert waker.seen == []


def test_many_at_once_let_others_in_between():
    waker = Waker()
    between: list[int] = []
    amount = 3 * MOST_AT_ONCE
    first = [waker.add(1.0) for _ in range(amount)]
    waker.clock.call_at(1.0, lambda: between.append(len(waker.seen)))
    first[-1].deadline = 2.0  # moves while it waits for its turn, or before
    gone = first[-2]
    gone.deadline = NEVER
    later = waker.add(1.5)
    waker.clock.advance(1)
    assert between == [MOST_AT_ONCE]
    assert [thing for thing, _ in waker.seen] == first[:-2]
    waker.clock.advance(2)
    assert waker.seen[-2:] == [(later, 1.5), (first[-1], 2.0)]
    assert waker.clock.armed() == []
