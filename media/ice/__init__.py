"""ICE-lite: STUN messages, candidates, and an agent that answers checks. Pure."""

from media.ice.agent import CONSENT_SECONDS, Agent, Checked, Credentials
from media.ice.candidate import Candidate, best_candidate, candidate_line, parse_candidate
from media.ice.errors import ParseError

__all__ = [
    "CONSENT_SECONDS",
    "Agent",
    "Candidate",
    "Checked",
    "Credentials",
    "ParseError",
    "best_candidate",
    "candidate_line",
    "parse_candidate",
]
