"""The proof of the suite: every fault is named by exactly the requirements that it says it breaks.

The clean reference server is recorded once by a standard run. Each reply fault is applied to the
record; only the dialogues that it changes are judged again, beside what the others showed. Each
behaviour fault is proved on the wire. A fault that nothing notices, or that something else notices
too, is red; so is a requirement that no fault breaks, or that the clean record never reached.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from conformance.config import Options
from conformance.contract.contract import Contract, load
from conformance.judge import Examined, Judge
from conformance.ledger import Recording
from conformance.probes.plan import Plan, plan
from conformance.reading import Outcome, Reading
from conformance.requirement import Catalogue, Level, Profile, catalogue
from conformance.rules import Rules
from conformance.run import Result, Run, Silent
from conformance.target import embedded
from conformance.verdict import Exit, Judgement, Row, Verdict
from conformance.wire.exchange import End, Exchange
from reference_server.change import BROKEN, Change, Kind
from reference_server.faults import FAULTS, Fault

NOTICED = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.NOTE})
SHOWING = 8  # dialogues that show a fault on the wire
LIVE = " (live)"  # in the id of what came of a fault or a variant on the wire
TAKEN = ".taken."  # in the names of dialogues that show what only some servers offer
LEANING = 4  # clean dialogues that its judgement leans on
NOTHING: Mapping[str, bool] = MappingProxyType({})


@dataclass(frozen=True)
class Proved:
    """What one fault was noticed by."""

    id: str
    breaks: frozenset[str]
    noticed: frozenset[str]
    changed: int
    code: Exit | None = None  # of the run on the wire

    @property
    def holds(self) -> bool:
        """Exactly what it says it breaks noticed it, and the exit code follows from the levels."""
        return self.changed > 0 and self.noticed == self.breaks and self.code in (None, self.due)

    @property
    def due(self) -> Exit:
        """The exit code of a run in the default profile."""
        levels = {catalogue()[id_].levels[Profile.OLLAMA] for id_ in self.breaks}
        return Exit.BROKEN if Level.MUST in levels else Exit.CONFORMS

    def problems(self) -> Iterator[str]:
        """What stands against it."""
        if self.holds:
            return
        if not self.changed:
            yield f"{self.id} changes nothing that was recorded"
            return
        missed = sorted(self.breaks - self.noticed)
        extra = sorted(self.noticed - self.breaks)
        code = "" if self.code in (None, self.due) else f", exit code {self.code}"
        yield f"{self.id}: missed by {missed}, also noticed by {extra}{code}"


def noticed(judgement: Judgement) -> frozenset[str]:
    """The requirements that a judgement finds broken, whatever their level."""
    return frozenset(row.requirement.id for row in judgement.rows if notices(row))


def notices(row: Row) -> bool:
    """Whether a rule is broken in some profile."""
    return bool(NOTICED & set(row.verdicts.values()))


def changed(change: Change, exchange: Exchange) -> Exchange:
    """An exchange as the server with this change would have answered it."""
    if exchange.reply is None:
        return exchange
    reply = change.apply(exchange.request, exchange.reply)
    if reply is exchange.reply or reply == exchange.reply:
        return exchange
    broken = reply.header(BROKEN) is not None
    kept = tuple(pair for pair in reply.headers if pair[0] != BROKEN)
    reply = replace(reply, headers=kept)
    if not broken:
        return replace(exchange, reply=reply)
    return replace(exchange, reply=reply, end=End.BROKEN, detail="the connection was closed early")


def _after(change: Change, exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
    new = tuple(changed(change, x) for x in exchanges)
    return exchanges if new == exchanges else new


class Proof:
    """The proof over one clean record."""

    def __init__(
        self,
        recording: Recording,
        contract: Contract | None = None,
        rules: Callable[[Contract, Catalogue], Rules] = Rules,
    ) -> None:
        self.recording = recording
        self.contract = contract or load()
        self.rules = rules
        self.dialogues = tuple(recording.dialogues())
        self._clean = frozenset(map(id, self.dialogues))  # they live as long as the proof
        self._examined: dict[int, Examined] = {}

    def clean(self) -> Judgement:
        """What the clean record means."""
        return self.judged(self.dialogues)

    def judged(
        self, dialogues: Iterable[tuple[Exchange, ...]], declared: Mapping[str, bool] = NOTHING
    ) -> Judgement:
        """What some dialogues mean, if the vendor also declares these capabilities."""
        head = self.recording.head
        head = replace(head, declared={**head.declared, **declared})
        judge = Judge(head, self.contract, rules=self.rules)
        for exchanges in dialogues:
            if (known := self._examined.get(id(exchanges))) is None:
                known = judge.examine(exchanges)
            if id(exchanges) in self._clean:
                self._examined[id(exchanges)] = known
            judge.count(known)
        return judge.result(self.recording.tail)

    def after(self, change: Change) -> list[tuple[Exchange, ...]]:
        """Every dialogue as the server with this change would have held it; the clean one where
        nothing changes.
        """
        return [_after(change, exchanges) for exchanges in self.dialogues]

    def reply_fault(self, fault: Fault) -> Proved:
        """Judge the dialogues that a fault changes, and those that its judgement leans on."""
        pairs = list(zip(self.dialogues, self.after(fault), self._shows, strict=True))
        touched = [new for old, new, _ in pairs if new is not old]
        kept = _leaning((old, shows) for old, new, shows in pairs if new is old)
        found = noticed(self.judged((*kept, *touched))) if touched else frozenset()
        return Proved(fault.id, fault.breaks, found, len(touched))

    def replaced(self, old: tuple[Exchange, ...], new: tuple[Exchange, ...]) -> Judgement:
        """What one changed dialogue means beside those that its judgement leans on."""
        pairs = zip(self.dialogues, self._shows, strict=True)
        kept = _leaning((each, shows) for each, shows in pairs if each is not old)
        return self.judged((*kept, new))

    @cached_property
    def judge(self) -> Judge:
        """A judge that has seen the clean record."""
        judge = Judge(self.recording.head, self.contract, rules=self.rules)
        for exchanges in self.dialogues:
            judge.dialogue(exchanges)
        return judge

    @cached_property
    def _shows(self) -> list[frozenset[str]]:
        """What each clean dialogue shows to be offered: surfaces and capabilities."""
        return [
            frozenset().union(*(_offered(Reading(x, self.contract)) for x in exchanges))
            for exchanges in self.dialogues
        ]

    def shown_by(self, change: Change, alone: frozenset[str] = frozenset()) -> frozenset[str]:
        """The names of a few dialogues that show a change on the wire; `alone` are those during
        which nothing else is under way.
        """
        touched: list[str] = []
        kept: list[str] = []
        for exchanges in self.dialogues:
            name = exchanges[0].dialogue
            if change.change is None:
                shows = name.startswith(change.on)
            else:
                shows = any(changed(change, x) != x for x in exchanges)
            (touched if shows else kept).append(name)
        valid = (name for name in kept if ".valid." in name)
        own = tuple(f"{surface}." for surface in change.on)
        enough = sorted((not name.startswith(own), name) for name in valid)
        leaning = (name for _, name in enough[:LEANING])  # of its own surfaces if there are
        taken = list(filter(_is_taken, kept)) if any(map(_is_taken, touched)) else []
        lonely = alone & set(touched)  # rules about time look at nothing else
        return frozenset({*touched[:SHOWING], *leaning, *_first_valid(touched), *taken, *lonely})

    def reply_faults(self, faults: Sequence[Fault]) -> Iterator[Proved]:
        """Those of some faults that change replies."""
        yield from (self.reply_fault(fault) for fault in faults if fault.kind == "reply")


def _is_taken(name: str) -> bool:
    return TAKEN in name


def _first_valid(names: list[str]) -> list[str]:
    """Clean answers of a surface that a fault changes only now and then."""
    return [name for name in names if ".valid." in name][:SHOWING]


def _offered(x: Reading) -> frozenset[str]:
    if x.surface is None or x.outcome is not Outcome.ANSWERED or x.standing.contract:
        return frozenset()
    return x.standing.needs | {x.surface}


def _leaning(
    clean: Iterable[tuple[tuple[Exchange, ...], frozenset[str]]],
) -> Iterator[tuple[Exchange, ...]]:
    """The models, and a few answers by which each surface and capability is known to be offered."""
    seen: Counter[str] = Counter()
    for exchanges, shows in clean:
        name = exchanges[0].dialogue
        always = name in ("look", "warm-up") or name.startswith("models.") or _is_taken(name)
        if always or any(seen[each] < LEANING for each in shows):
            seen.update(shows)
            yield exchanges


def record(folder: Path) -> Result:
    """A standard run against the clean embedded server."""
    with embedded() as url:
        return Run(url, Options(), folder, Silent()).execute()


def selected(only: Sequence[str]) -> tuple[Fault, ...]:
    """The faults whose id, or a requirement that they break, begins with one of these words."""
    words = tuple(only) or ("",)
    return tuple(
        fault
        for fault in FAULTS.values()
        if fault.id.startswith(words) or any(id_.startswith(words) for id_ in fault.breaks)
    )


def breaking(requirement: str, kind: str) -> tuple[Fault, ...]:
    """The faults of one kind that break a requirement."""
    every = FAULTS.values()
    return tuple(fault for fault in every if requirement in fault.breaks and fault.kind == kind)


def on_the_wire(
    proof: Proof,
    folder: Path,
    changes: Iterable[Kind],
    kind: str = "fault",
    declared: Callable[[Kind], Mapping[str, bool]] = lambda _: NOTHING,
) -> Iterator[tuple[Kind, frozenset[str], Result]]:
    """These changes on the wire: one server, and for each the few dialogues that show it.

    For a change of replies those are the first ones that it changes in the record, beside clean
    ones that its judgement leans on; for a behaviour fault those of its surfaces. `declared` says
    what a vendor of such a server declares.
    """
    head = proof.recording.head
    surfaces = frozenset(head.planned)
    whole = plan(
        proof.contract, head.model, head.intensity, head.seed, surfaces, head.embedding_model
    )
    alone = frozenset(probe.name for probe in whole.probes if probe.alone)
    with embedded() as url:
        base = url.removesuffix("/v1")
        for change in changes:
            names = proof.shown_by(change, alone)
            chosen = Plan(tuple(probe for probe in whole.probes if probe.name in names))
            where, target = folder / kind / change.id, f"{base}/{kind}/{change.id}/v1"
            at_once = 1 if change.change is None else 4  # a switch may depend on what came before
            given = dict(declared(change))
            options = Options(model=head.model, concurrency=at_once, capabilities=given)
            yield change, names, Run(target, options, where, Silent(), chosen).execute()


def live(proof: Proof, folder: Path, faults: Sequence[Fault]) -> Iterator[Proved]:
    """What these faults are noticed by on the wire."""
    for fault, names, result in on_the_wire(proof, folder, faults):
        found, code = noticed(result.judgement), result.judgement.exit(Profile.OLLAMA)
        yield Proved(f"{fault.id}{LIVE}", fault.breaks, found, len(names), code)


def gaps(clean: Judgement) -> Iterator[str]:
    """What stands against the proof besides the faults."""
    yield from (f"the suite broke: {error}" for error in clean.errors)
    yield from (f"the clean server broke {id_}" for id_ in sorted(noticed(clean)))
    for row in clean.rows:
        if not row.judged:
            yield f"{row.surface}::{row.requirement.id} was never judged: {row.reason}"
    broken = {id_ for fault in FAULTS.values() for id_ in fault.breaks}
    yield from (f"no fault breaks {id_}" for id_ in catalogue() if id_ not in broken)
    yield from (
        f"{id_} is broken by a fault but is no requirement" for id_ in broken - catalogue().keys()
    )
