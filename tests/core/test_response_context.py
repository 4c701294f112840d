"""The response context by itself: RFC 3261 s16.7 step by step."""

import pytest

from proxy.core.request_context import Branch
from proxy.core.response_context import (
    Answer,
    Cancel,
    GiveUp,
    ResponseContext,
    SendLate,
    SendUp,
    StartGroup,
)
from proxy.core.target_set import EVEN_EVERYWHERE, Outcome, Stage, Target
from proxy.sip.message import Request, Response
from proxy.sip.uri import parse_uri


def group(*names: bytes) -> list[Target]:
    return [Target(parse_uri(b"sip:" + name + b"@a")) for name in names]


def forked(*names: bytes, is_invite: bool = True, later: tuple[list[Target], ...] = ()):
    """A context whose first group of branches is started."""
    context = ResponseContext([Stage(each) for each in later], is_invite=is_invite, breadth=60)
    return context, *start_group(context, StartGroup(group(*names)))


def start_group(context: ResponseContext, start: StartGroup) -> list[Branch]:
    branches = []
    for target in start.targets:
        branch = Branch(target, Request(b"INVITE", target.uri), target.uri.user or b"")
        context.add(branch)
        branches.append(branch)
    return branches


async def nowhere(outcome: Outcome) -> list[Stage]:
    return []


def said(actions: tuple) -> list[tuple]:
    """Actions as plain values."""
    plain = []
    for action in actions:
        match action:
            case SendUp(branch=branch, response=response):
                plain.append(("up", branch.branch_id, response.status))
            case Answer(status=status):
                plain.append(("answer", status))
            case Cancel(branch=branch):
                plain.append(("cancel", branch.branch_id))
            case StartGroup(targets=targets):
                plain.append(("start", [target.uri.user for target in targets]))
            case GiveUp():
                plain.append(("give up",))
    return plain


def test_provisional_responses_go_up_but_100():
    context, one = forked(b"1")
    assert said(context.received(one, Response(100))) == []
    assert said(context.received(one, Response(180))) == [("up", b"1", 180)]
    assert said(context.received(one, Response(183))) == [("up", b"1", 183)]


def test_2xx_goes_up_at_once_and_cancels_the_rest():
    context, one, two, three = forked(b"1", b"2", b"3")
    context.received(three, Response(404))
    assert said(context.received(one, Response(200))) == [("up", b"1", 200), ("cancel", b"2")]
    assert said(context.received(two, Response(487))) == []
    assert said(context.received(two, Response(180))) == []


def test_every_2xx_of_an_invite_goes_up():
    context, one, two = forked(b"1", b"2")
    context.received(one, Response(200))
    assert said(context.received(two, Response(200))) == [("up", b"2", 200)]
    assert said(context.received(one, Response(200))) == [("up", b"1", 200)]


def test_one_2xx_of_another_method_goes_up():
    context, one, two = forked(b"1", b"2", is_invite=False)
    assert said(context.received(one, Response(200))) == [("up", b"1", 200)]
    assert said(context.received(two, Response(200))) == []


def test_final_responses_wait_for_all_branches():
    context, one, two = forked(b"1", b"2")
    assert said(context.received(one, Response(486))) == []
    assert said(context.received(two, Response(404))) == [("up", b"1", 486)]
    assert context.final_status == 486


BEST = [
    ((404, 486), 486),
    ((480, 408), 480),
    ((500, 404), 404),
    ((302, 404), 302),
    ((404, 401), 401),
    ((486, 407), 407),
    ((480, 415), 415),
    ((480, 420), 420),
    ((480, 484), 484),
    ((487, 480), 480),
    ((408, 480), 480),
    ((500, 302), 302),
    ((503, 500), 500),
    ((404, 603), 603),
    ((302, 600), 600),
]


@pytest.mark.parametrize(("statuses", "best"), BEST)
def test_best_response(statuses, best):
    for order in (statuses, statuses[::-1]):
        names = [b"%d" % at for at in range(len(order))]
        context, *branches = forked(*names)
        for branch, status in zip(branches, order, strict=True):
            actions = context.received(branch, Response(status))
        if best >= 600:
            assert context.final_status == best
        else:
            assert [action.response.status for action in actions] == [best]


def test_6xx_cancels_all_and_is_chosen_when_they_have_ended():
    context, one, two = forked(b"1", b"2", later=(group(b"3"),))
    assert said(context.received(one, Response(603))) == [("cancel", b"2")]
    assert said(context.received(two, Response(487))) == [("up", b"1", 603)]


def test_2xx_that_crosses_a_6xx_wins():
    context, one, two = forked(b"1", b"2")
    context.received(one, Response(603))
    assert said(context.received(two, Response(200))) == [("up", b"2", 200)]


def test_challenges_of_all_branches_go_up_together():
    context, one, two, three = forked(b"1", b"2", b"3")
    context.received(one, Response(407, headers=[(b"proxy-authenticate", b'Digest realm="1"')]))
    context.received(two, Response(404))
    (up,) = context.received(
        three, Response(401, headers=[(b"www-authenticate", b'Digest realm="3"')])
    )
    assert up.response.status == 407
    assert up.response.headers.all(b"proxy-authenticate") == [b'Digest realm="1"']
    assert up.response.headers.all(b"www-authenticate") == [b'Digest realm="3"']


def test_503_becomes_500():
    context, one = forked(b"1")
    assert said(context.received(one, Response(503))) == [("answer", 500)]


def test_timeout_is_408():
    context, one, two = forked(b"1", b"2")
    assert said(context.failed(one, 408)) == []
    assert said(context.failed(two, 408)) == [("answer", 408)]


def test_a_received_response_is_better_than_a_timeout():
    context, one, two = forked(b"1", b"2")
    context.failed(one, 408)
    assert said(context.received(two, Response(486))) == [("up", b"2", 486)]


def test_timeout_of_another_method_is_not_answered():
    context, one = forked(b"1", is_invite=False)
    assert said(context.failed(one, 408)) == [("give up",)]


def test_failure_after_the_end_of_a_branch_means_nothing():
    context, one, two = forked(b"1", b"2")
    context.received(one, Response(404))
    assert said(context.failed(one, 408)) == []
    assert said(context.received(one, Response(500))) == []
    assert said(context.received(two, Response(500))) == [("up", b"1", 404)]


def test_cancel_goes_to_all_pending_branches_and_ends_in_487():
    context, one, two, three = forked(b"1", b"2", b"3", later=(group(b"4"),))
    context.received(one, Response(486))
    assert said(context.cancel()) == [("cancel", b"2"), ("cancel", b"3")]
    assert said(context.cancel()) == []
    assert said(context.received(two, Response(487))) == []
    assert said(context.failed(three, 408)) == [("up", b"1", 486)]


def test_cancelled_and_never_answered_is_487():
    context, one = forked(b"1")
    context.cancel()
    assert said(context.failed(one, 408)) == [("answer", 487)]


def test_2xx_that_crosses_the_cancel_goes_up():
    context, one = forked(b"1")
    assert said(context.cancel()) == [("cancel", b"1")]
    assert said(context.received(one, Response(200))) == [("up", b"1", 200)]


def test_cancel_after_the_final_response_does_nothing():
    context, one = forked(b"1")
    context.received(one, Response(200))
    assert said(context.cancel()) == []
    assert not context.is_cancelled


def test_another_method_is_not_cancelled():
    context, _one, two = forked(b"1", b"2", is_invite=False)
    assert said(context.received(two, Response(200))) == [("up", b"2", 200)]
    context, _one = forked(b"1", is_invite=False)
    assert said(context.cancel()) == []


def test_serial_groups():
    context, one, two = forked(b"1", b"2", later=(group(b"3"), group(b"4")))
    assert said(context.received(one, Response(486))) == []
    assert context.groups_left == 2
    actions = context.received(two, Response(404))
    assert said(actions) == [("start", [b"3"])]
    (three,) = start_group(context, actions[0])
    actions = context.failed(three, 408)
    assert said(actions) == [("start", [b"4"])]
    (four,) = start_group(context, actions[0])
    assert said(context.received(four, Response(480))) == [("up", b"1", 486)]


def test_2xx_ends_the_serial_search():
    context, one = forked(b"1", later=(group(b"2"),))
    assert said(context.received(one, Response(200))) == [("up", b"1", 200)]
    assert context.groups_left == 0


def test_ring_timeout_cancels_the_group_and_starts_the_next():
    context, one = forked(b"1", later=(group(b"2"),))
    context.received(one, Response(180))
    actions = context.ring_timeout()
    assert said(actions) == [("cancel", b"1"), ("start", [b"2"])]
    (two,) = start_group(context, actions[1])
    assert said(context.received(one, Response(487))) == []
    assert said(context.received(two, Response(486))) == [("up", b"2", 486)]


def test_rung_out_everywhere_is_408():
    context, one = forked(b"1", later=(group(b"2"),))
    actions = context.ring_timeout()
    (two,) = start_group(context, actions[1])
    context.received(one, Response(487))
    two.is_timed_out = True
    assert said(context.received(two, Response(487))) == [("answer", 408)]


def test_ring_timeout_of_the_last_group_does_nothing():
    context, _one = forked(b"1")
    assert said(context.ring_timeout()) == []


def test_reason_and_headers_of_a_refused_branch_are_kept():
    context, one = forked(b"1")
    (answer,) = context.failed(one, 488, b"No Media", ((b"warning", b"305 x"),))
    assert (answer.status, answer.reason, answer.headers) == (
        488,
        b"No Media",
        ((b"warning", b"305 x"),),
    )


def test_transaction_user_answered_by_itself():
    context, one = forked(b"1", later=(group(b"2"),))
    assert said(context.answered(486)) == [("cancel", b"1")]
    assert said(context.answered(404)) == []
    assert said(context.received(one, Response(180))) == []
    assert said(context.received(one, Response(404))) == []


def test_2xx_that_crosses_an_answer_of_ours_goes_up_past_the_transaction():
    context, one, two = forked(b"1", b"2")
    context.answered(480)
    for branch in (one, two):
        (action,) = context.received(branch, found := Response(200))
        assert isinstance(action, SendLate)
        assert action.response is found
    context, one = forked(b"1", is_invite=False)
    context.answered(480)
    assert context.received(one, Response(200)) == ()


@pytest.mark.parametrize(
    ("status", "rings", "outcome"),
    [
        (486, True, Outcome.BUSY),
        (600, True, Outcome.BUSY | Outcome.EVERYWHERE),
        (603, True, Outcome.REFUSED | Outcome.EVERYWHERE),
        (480, True, Outcome.NO_ANSWER),
        (408, True, Outcome.NO_ANSWER),
        (408, False, Outcome.UNREACHABLE),
        (503, False, Outcome.UNREACHABLE),
        (404, False, Outcome.REFUSED),
        (403, False, Outcome.REFUSED),
    ],
)
def test_what_a_response_means_for_later_stages(status: int, rings: bool, outcome: Outcome):
    wanted = Stage(group(b"2"), EVEN_EVERYWHERE)
    context = ResponseContext([wanted], is_invite=True, breadth=60)
    (branch,) = start_group(context, StartGroup(group(b"1")))
    branch.provisional_seen = rings
    (start,) = context.received(branch, Response(status))
    assert (start.stage, start.outcome) == (wanted, outcome)


def test_only_the_stage_that_follows_is_tried_and_those_before_it_are_past():
    stages = [
        Stage(group(b"backup"), Outcome.UNREACHABLE),
        Stage(group(b"busy"), Outcome.BUSY | Outcome.EVERYWHERE),
        Stage(group(b"last")),
    ]
    context = ResponseContext(stages, is_invite=True, breadth=60)
    (one,) = start_group(context, StartGroup(group(b"1")))
    (start,) = context.received(one, Response(486))
    assert said((start,)) == [("start", [b"busy"])]
    (two,) = start_group(context, start)
    assert said(context.received(two, Response(603))) == [("up", b"busy", 603)]


def test_a_stage_that_waits_for_nothing_of_the_kind_does_not_end_the_ringing():
    context = ResponseContext([Stage(group(b"2"), Outcome.UNREACHABLE)], is_invite=True, breadth=60)
    start_group(context, StartGroup(group(b"1")))
    assert not context.awaits_ring_timeout
    assert context.ring_timeout() == ()


def test_what_a_stage_expands_to_comes_before_what_follows_it():
    context = ResponseContext(
        [Stage(expand=nowhere), Stage(group(b"9"))], is_invite=True, breadth=60
    )
    (one,) = start_group(context, StartGroup(group(b"1")))
    context.received(one, Response(486))
    context.expanding()
    (start,) = context.expanded([Stage(group(b"2")), Stage(group(b"3"))])
    (two,) = start_group(context, start)
    (start,) = context.received(two, Response(486))
    (three,) = start_group(context, start)
    assert said(context.received(three, Response(486))) == [("start", [b"9"])]


def test_a_stage_that_leads_nowhere_gives_way_to_the_next():
    stages = [Stage(expand=nowhere), Stage(group(b"9"))]
    context = ResponseContext(stages, is_invite=True, breadth=60)
    (one,) = start_group(context, StartGroup(group(b"1")))
    context.received(one, Response(486))
    context.expanding()
    assert said(context.not_expanded(404)) == [("start", [b"9"])]


def expanding() -> ResponseContext:
    """A context whose second stage is being found out."""
    context = ResponseContext(
        [Stage(expand=nowhere), Stage(group(b"9"))], is_invite=True, breadth=60
    )
    (one,) = start_group(context, StartGroup(group(b"1")))
    context.received(one, Response(486))
    context.expanding()
    return context


def test_a_caller_who_gives_up_meanwhile_is_answered_when_the_stage_is_known():
    context = expanding()
    assert context.cancel() == ()
    assert said(context.expanded([Stage(group(b"2"))])) == [("up", b"1", 486)]


def test_nothing_is_begun_for_a_call_that_was_answered_meanwhile():
    context = expanding()
    assert context.answered(480) == ()
    assert context.expanded([Stage(group(b"2"))]) == ()
