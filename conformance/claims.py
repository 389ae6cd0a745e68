"""Claims: which surfaces and capabilities a target offers, told from what became of valid requests.

Refused by routing, or refused every time: not claimed. What is asked by members that the document
lacks shows only the capabilities that those need. A 5xx, a hang or garbage is an offer that
fails. A declaration in the vendor's file wins over what was seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from conformance.contract.contract import Contract
from conformance.odd import OPTIONAL
from conformance.reading import Outcome, Reading
from conformance.verdict import Claim

GENERATION = ("chat", "completions", "responses")
REFUSALS = (Outcome.UNROUTED, Outcome.REFUSED)


class Claims:
    """Counts what became of the valid requests of a run."""

    def __init__(self, contract: Contract, declared: Mapping[str, bool]) -> None:
        self._declared = declared
        self._seen: dict[str, Counter[Outcome]] = {
            surface: Counter()
            for operation in contract.operations
            for surface in operation.surfaces.values()
        }
        self._accepted: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self.answered: Counter[str] = Counter()

    def see(self, x: Reading) -> None:
        """Count one exchange. A request that is valid by the contract alone shows no more than the
        capabilities that its members need.
        """
        self._statuses[x.status] += 1
        if x.surface is None or x.operation is None or x.standing.contract:
            return
        if x.odd - OPTIONAL:
            return
        if x.standing.document or x.odd:
            for name in x.standing.needs:
                self._seen.setdefault(name, Counter())[x.outcome] += 1
            return
        if x.outcome is Outcome.ANSWERED:
            self.answered[x.surface] += 1
            self._accepted[x.operation.id] += 1
        names = x.standing.needs or {x.surface}
        for name in names:
            self._seen.setdefault(name, Counter())[x.outcome] += 1
        if x.outcome is Outcome.ANSWERED:
            self._seen[x.surface][x.outcome] += bool(x.standing.needs)

    def accepted(self, operation: str) -> bool:
        """Whether an operation ever answered a valid request with success."""
        return self._accepted[operation] > 0

    def tried(self, name: str) -> bool:
        """Whether anything was sent that could show a surface or capability."""
        return bool(self._seen.get(name))

    def of(self, name: str) -> Claim:
        """What is known of a surface or a capability."""
        if name in self._declared:
            said = self._declared[name]
            return Claim(
                name, said, declared=True, why=f"declared {'' if said else 'absent '}by the vendor"
            )
        seen = self._seen.get(name)
        if not seen:
            return Claim(name, claimed=True, declared=False, why="not tried")
        refused = sum(seen[outcome] for outcome in REFUSALS)
        if refused < seen.total():
            return Claim(
                name, claimed=True, declared=False, why=f"answered {seen[Outcome.ANSWERED]} times"
            )
        by = "by routing" if seen[Outcome.UNROUTED] else "every time"
        return Claim(
            name, claimed=False, declared=False, why=f"refused {by} ({refused} of {refused})"
        )

    def all(self) -> Mapping[str, Claim]:
        """Every surface and every capability that was tried or declared."""
        tried = [name for name, seen in self._seen.items() if seen]
        return {name: self.of(name) for name in dict.fromkeys((*tried, *self._declared))}

    def unusable(self) -> str:
        """Why the target cannot be used as an API, or nothing."""
        if not self._statuses:
            return "nothing was sent"
        if not self.answered:
            seen = ", ".join(_status(*pair) for pair in self._statuses.most_common(3))
            return f"no operation ever gave an answer ({seen})"
        if self.tried("models") and not self.of("models").claimed:
            return f"GET /models is not offered, {self.of('models').why}; a target lists its models"
        tried = [name for name in GENERATION if self.tried(name)]
        if tried and not any(self.of(name).claimed for name in tried):
            return f"none of {', '.join(tried)} is offered"
        return ""


def _status(status: int, times: int) -> str:
    return f"{times} times {status or 'no reply'}"
