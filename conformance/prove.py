"""The proof of the suite: every fault is named by exactly the requirements that it says it breaks.

The clean reference server is recorded once by a standard run. Each reply fault is applied to the
record; only the dialogues that it changes are judged again, beside what the others showed. Each
behaviour fault is proved on the wire. A fault that nothing notices, or that something else notices
too, is red; so is a requirement that no fault breaks, or that the clean record never reached. Every
variant, a way to answer that the standard permits, is let pass (`conformance.variants`).
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from conformance import ledger, variants
from conformance.config import Options
from conformance.contract.contract import Contract, load
from conformance.errors import Misconfigured
from conformance.judge import Judge
from conformance.ledger import Recording
from conformance.probes.plan import Plan, plan
from conformance.requirement import Level, Profile, catalogue
from conformance.run import Result, Run, Silent
from conformance.target import embedded
from conformance.verdict import Exit, Judgement
from conformance.wire.exchange import End, Exchange
from reference_server.change import BROKEN, Change
from reference_server.faults import FAULTS, Fault

SHOWING = 8  # dialogues that show a fault on the wire
LEANING = 4  # clean dialogues that its judgement leans on
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Proved:
    """What one fault was noticed by."""

    fault: str
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


def noticed(judgement: Judgement) -> frozenset[str]:
    """The requirements that a judgement finds broken, whatever their level."""
    return frozenset(row.requirement.id for row in judgement.rows if variants.notices(row))


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


class Proof:
    """The proof over one clean record."""

    def __init__(self, recording: Recording, contract: Contract | None = None) -> None:
        self.recording = recording
        self.contract = contract or load()
        self.dialogues = tuple(recording.dialogues())

    def clean(self) -> Judgement:
        """What the clean record means."""
        return self.judged(self.dialogues)

    def judged(
        self, dialogues: Iterable[tuple[Exchange, ...]], declared: Mapping[str, bool] = NOTHING
    ) -> Judgement:
        """What some dialogues mean, if the vendor also declares these capabilities."""
        head = self.recording.head
        judge = Judge(replace(head, declared={**head.declared, **declared}), self.contract)
        for exchanges in dialogues:
            judge.dialogue(exchanges)
        return judge.result(self.recording.tail)

    def after(self, change: Change) -> list[tuple[Exchange, ...]]:
        """Every dialogue as the server with this change would have held it."""
        return [tuple(changed(change, x) for x in exchanges) for exchanges in self.dialogues]

    def reply_fault(self, fault: Fault) -> Proved:
        """Judge the dialogues that a fault changes, and those that its judgement leans on: the
        models, and one clean answer of each surface that the fault leaves alone.
        """
        pairs = list(zip(self.dialogues, self.after(fault), strict=True))
        touched = [new for old, new in pairs if new != old]
        kept = [new for old, new in pairs if new == old and _needed(old)]
        found = noticed(self.judged((*kept, *touched))) if touched else frozenset()
        return Proved(fault.id, fault.breaks, found, len(touched))

    def shown_by(self, change: Change) -> frozenset[str]:
        """The names of a few dialogues that show a change on the wire."""
        touched: list[str] = []
        kept: list[str] = []
        for exchanges in self.dialogues:
            name = exchanges[0].dialogue
            if change.change is None:
                shows = name.startswith(change.on)
            else:
                shows = any(changed(change, x) != x for x in exchanges)
            (touched if shows else kept).append(name)
        enough = {name for name in kept if ".valid." in name}
        return frozenset({*touched[:SHOWING], *sorted(enough)[:LEANING], *_first_valid(touched)})

    def on_the_wire(
        self,
        folder: Path,
        kind: str,
        changes: Iterable[Change],
        declared: Mapping[str, Mapping[str, bool]] = NOTHING,
    ) -> Iterator[tuple[str, Judgement, int]]:
        """These changes on the wire: one server, and for each the few dialogues that show it.

        For a change of replies those are the first ones that it changes in the record, beside clean
        ones that its judgement leans on; for a behaviour fault those of its surfaces. `declared`
        holds by id what the vendor declares.
        """
        head = self.recording.head
        surfaces = frozenset(head.planned)
        whole = plan(
            self.contract, head.model, head.intensity, head.seed, surfaces, head.embedding_model
        )
        with embedded() as url:
            base = url.removesuffix("/v1")
            for change in changes:
                names = self.shown_by(change)
                chosen = Plan(tuple(probe for probe in whole.probes if probe.name in names))
                where, target = folder / kind / change.id, f"{base}/{kind}/{change.id}/v1"
                one_by_one = change.change is None  # what it does may depend on what came before
                options = Options(
                    model=head.model,
                    concurrency=1 if one_by_one else 4,
                    capabilities=declared.get(change.id, NOTHING),
                )
                result = Run(target, options, where, Silent(), chosen).execute()
                yield change.id, result.judgement, len(names)

    def reply_faults(self, faults: Sequence[Fault]) -> Iterator[Proved]:
        """Those of some faults that change replies."""
        yield from (self.reply_fault(fault) for fault in faults if fault.kind == "reply")


def _first_valid(names: list[str]) -> list[str]:
    """Clean answers of a surface that a fault changes only now and then."""
    return [name for name in names if ".valid." in name][:SHOWING]


def _needed(exchanges: tuple[Exchange, ...]) -> bool:
    name = exchanges[0].dialogue
    return name in ("look", "warm-up") or ".valid." in name or name.startswith("models.")


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


def live(proof: Proof, folder: Path, faults: Sequence[Fault]) -> Iterator[Proved]:
    """These faults on the wire."""
    for id_, judgement, shown in proof.on_the_wire(folder, "fault", faults):
        breaks, code = FAULTS[id_].breaks, judgement.exit(Profile.OLLAMA)
        yield Proved(f"{id_} (live)", breaks, noticed(judgement), shown, code)


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


def main(out: Path | None, only: Sequence[str] = (), *, on_the_wire: bool) -> int:
    """Prove everything over the record, and again on the wire if wanted; 0 if it holds."""
    began = time.monotonic()
    faults, permitted = selected(only), variants.selected(only)
    if not faults and not permitted:
        hint = "ids: reference-server --list-faults, --list-variants; conformance list"
        raise Misconfigured(f"nothing begins with {', '.join(only)}", hint)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        proof = Proof(ledger.read(record(folder / "clean").ledger))
        clean = proof.clean()
        proved, passed = (
            list(proof.reply_faults(faults)),
            [*variants.recorded(proof, clean, permitted)],
        )
        if on_the_wire:
            proved += live(proof, folder, faults)
            passed += variants.live(proof, folder, permitted)
    problems = [*gaps(clean), *(_problem(each) for each in proved if not each.holds)]
    problems += [str(each) for each in passed if not each.holds]
    for problem in problems:
        sys.stdout.write(f"RED  {problem}\n")
    held, let = sum(each.holds for each in proved), sum(each.holds for each in passed)
    sys.stdout.write(
        f"{held} of {len(proved)} faults named by exactly what they break, "
        f"{let} of {len(passed)} variants let pass, {len(catalogue())} requirements, "
        f"{len(problems)} problems, {time.monotonic() - began:.1f} s\n"
    )
    if out is not None:
        _write(out / "proof.json", _matrix(proved))
        _write(out / "variants.json", variants.matrix(passed))
    return 1 if problems else 0


def _write(path: Path, value: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _problem(proved: Proved) -> str:
    if not proved.changed:
        return f"{proved.fault} changes nothing that was recorded"
    missed = sorted(proved.breaks - proved.noticed)
    extra = sorted(proved.noticed - proved.breaks)
    code = "" if proved.code in (None, proved.due) else f", exit code {proved.code}"
    return f"{proved.fault}: missed by {missed}, also noticed by {extra}{code}"


def _matrix(proved: list[Proved]) -> Mapping[str, object]:
    return {
        each.fault: {
            "breaks": sorted(each.breaks),
            "noticed": sorted(each.noticed),
            "changed": each.changed,
        }
        for each in proved
    }
