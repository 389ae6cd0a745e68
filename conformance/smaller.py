"""The second pass of a run: what failed is asked again with less and less in it.

For each finding the smallest request is sought by which its rule is still broken, so that a report
can show it and say on which members the failure depends. What is sent is recorded and judged like
everything else, in dialogues whose names begin with `smaller.`; it counts for no verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from conformance.check import FOLDS, RELATIONS, Finding
from conformance.contract.contract import Contract, Standing
from conformance.judge import SMALLER
from conformance.probes.probe import bound, limits, post, single
from conformance.reading import Reading
from conformance.reduce import reduced
from conformance.requirement import Level, Profile, catalogue
from conformance.runner import Runner
from conformance.wire.exchange import Exchange

ALL = 10  # times the requests of one finding, for all of them together
Key = tuple[str, str]  # requirement, surface
Send = Callable[[tuple[Exchange, ...]], list[Finding]]


class Failed:
    """The smallest request so far by which each rule over one exchange was broken."""

    def __init__(self, contract: Contract, profile: Profile) -> None:
        self._contract = contract
        self._profile = profile
        self._found: dict[Key, Reading] = {}

    def see(self, exchanges: Iterable[Exchange], findings: Iterable[Finding]) -> None:
        """Take what a dialogue showed."""
        numbered = {exchange.number: exchange for exchange in exchanges}
        for found in findings:
            key = (found.requirement, found.surface)
            x = Reading(numbered[found.exchange], self._contract)
            if self._reducible(found, x) and _size(x) < _size(self._found.get(key, x)) + 1:
                self._found[key] = x

    def _reducible(self, found: Finding, x: Reading) -> bool:
        """Whether a request may be asked again with less: an object of JSON, and nothing odd."""
        wanted = catalogue()[found.requirement].levels[self._profile] in (Level.MUST, Level.SHOULD)
        single_ = found.requirement not in RELATIONS and found.requirement not in FOLDS
        return wanted and single_ and isinstance(x.sent, dict) and not x.odd and bool(x.operation)

    def in_order(self) -> list[tuple[Key, Reading]]:
        """What must be kept first."""
        found = sorted(self._found.items(), key=lambda pair: _size(pair[1]))
        return sorted(found, key=lambda pair: self._level(pair[0][0]) is not Level.MUST)

    def _level(self, requirement: str) -> Level:
        return catalogue()[requirement].levels[self._profile]


def _size(x: Reading) -> int:
    return len(x.exchange.request.body or b"")


class Seeker:
    """Seeks the smallest requests that fail, `each` requests for one finding at the most."""

    def __init__(self, runner: Runner, contract: Contract, send: Send, each: int) -> None:
        self._runner = runner
        self._contract = contract
        self._send = send
        self._each = each
        self._left = each * ALL
        self._known: dict[tuple[str, bytes], frozenset[Key]] = {}

    def seek(self, key: Key, x: Reading) -> Any:
        """The smallest body that still fails; the body itself if it does not fail again."""
        left = min(self._each, self._left)
        operation = x.operation
        assert operation is not None
        wrong = _wrong(x.standing)

        def worth(body: Any) -> bool:
            if not isinstance(body, dict) or body.get("model") != x.sent.get("model"):
                return False
            if limits(body) != limits(x.sent):  # without one an answer may never end
                return False
            if operation.surface(streamed=body.get("stream") is True) != x.surface:
                return False
            now = _wrong(self._contract.standing(operation, body))
            return all(bool(a) == bool(b) and a <= b for a, b in zip(now, wrong, strict=True))

        def fails(body: Any) -> bool:
            nonlocal left
            request = post(x.exchange.request.path, body) if worth(body) else None
            if request is None:
                return False
            known = (request.path, request.body or b"")
            name = f"{SMALLER}{key[1]}.{key[0]}.{len(self._known)}"
            probe = single(name, key[1], request, tokens=bound(body))
            if known not in self._known:
                if left <= 0 or not self._runner.affords(probe):
                    return False
                left -= 1
                self._left -= 1
                found = self._send(self._runner.hold(probe))
                self._known[known] = frozenset((f.requirement, f.surface) for f in found)
            return key in self._known[known]

        return reduced(x.sent, fails) if fails(x.sent) else x.sent


def _wrong(standing: Standing) -> tuple[frozenset[str], frozenset[str]]:
    """What is wrong with a request by document and by contract, wherever."""
    document, contract = standing.document, standing.contract
    return frozenset(e.rule for e in document), frozenset(e.rule for e in contract)
