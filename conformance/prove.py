"""The proof of the suite: every fault is named by exactly the requirements that it says it breaks.

The clean reference server is recorded once by a standard run. Each reply fault is applied to the
record; only the dialogues that it changes are judged again, beside what the others showed. Each
behaviour fault is proved on the wire. A fault that nothing notices, or that something else notices
too, is red; so is a requirement that no fault breaks, or that the clean record never reached.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from conformance import ledger
from conformance.config import Options
from conformance.contract.contract import Contract, load
from conformance.errors import Defect, Misconfigured
from conformance.judge import Judge
from conformance.ledger import Recording
from conformance.probes.plan import Plan, plan
from conformance.requirement import Level, Profile, catalogue
from conformance.run import Result, Run, Silent
from conformance.target import embedded
from conformance.verdict import Exit, Judgement, Verdict
from conformance.wire.exchange import End, Exchange
from reference_server.faults import BROKEN, FAULTS, Fault

NOTICED = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.NOTE})
SHOWING = 8  # dialogues that show a fault on the wire
TAKEN = ".taken."  # in the names of dialogues that show what only some servers offer
LEANING = 4  # clean dialogues that its judgement leans on


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
    rows = (row for row in judgement.rows if NOTICED & set(row.verdicts.values()))
    return frozenset(row.requirement.id for row in rows)


def changed(fault: Fault, exchange: Exchange) -> Exchange:
    """An exchange as the server with this fault would have answered it."""
    if exchange.reply is None:
        return exchange
    reply = fault.apply(exchange.request, exchange.reply)
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
        return self._judge(self.dialogues)

    def _judge(self, dialogues: tuple[tuple[Exchange, ...], ...]) -> Judgement:
        judge = Judge(self.recording.head, self.contract)
        for exchanges in dialogues:
            judge.dialogue(exchanges)
        return judge.result(self.recording.tail)

    def reply_fault(self, fault: Fault) -> Proved:
        """Judge the dialogues that a fault changes, and those that its judgement leans on: the
        models, and one clean answer of each surface that the fault leaves alone.
        """
        after = [tuple(changed(fault, x) for x in exchanges) for exchanges in self.dialogues]
        pairs = list(zip(self.dialogues, after, strict=True))
        touched = [new for old, new in pairs if new != old]
        kept = [new for old, new in pairs if new == old and _needed(old)]
        found = noticed(self._judge((*kept, *touched))) if touched else frozenset()
        return Proved(fault.id, fault.breaks, found, len(touched))

    def shown_by(self, fault: Fault) -> frozenset[str]:
        """The names of a few dialogues that show a fault on the wire."""
        touched: list[str] = []
        kept: list[str] = []
        for exchanges in self.dialogues:
            name = exchanges[0].dialogue
            if fault.change is None:
                changes = name.startswith(fault.on)
            else:
                changes = any(changed(fault, x) != x for x in exchanges)
            (touched if changes else kept).append(name)
        enough = {name for name in kept if ".valid." in name}
        taken = list(filter(_is_taken, kept)) if any(map(_is_taken, touched)) else []
        return frozenset(
            {*touched[:SHOWING], *sorted(enough)[:LEANING], *_first_valid(touched), *taken}
        )

    def reply_faults(self, faults: Sequence[Fault]) -> Iterator[Proved]:
        """Those of some faults that change replies."""
        yield from (self.reply_fault(fault) for fault in faults if fault.kind == "reply")


def _is_taken(name: str) -> bool:
    return TAKEN in name


def _first_valid(names: list[str]) -> list[str]:
    """Clean answers of a surface that a fault changes only now and then."""
    return [name for name in names if ".valid." in name][:SHOWING]


def _needed(exchanges: tuple[Exchange, ...]) -> bool:
    name = exchanges[0].dialogue
    clean = ".valid." in name or _is_taken(name)
    return name in ("look", "warm-up") or clean or name.startswith("models.")


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
    """These faults on the wire: one server, and for each fault the few dialogues that show it.

    For a reply fault those are the first ones that it changes in the record, beside clean ones that
    its judgement leans on; for a behaviour fault those of its surfaces.
    """
    head = proof.recording.head
    surfaces = frozenset(head.planned)
    whole = plan(
        proof.contract, head.model, head.intensity, head.seed, surfaces, head.embedding_model
    )
    with embedded() as url:
        base = url.removesuffix("/v1")
        for fault in faults:
            names = proof.shown_by(fault)
            chosen = Plan(tuple(probe for probe in whole.probes if probe.name in names))
            where, target = folder / fault.id, f"{base}/fault/{fault.id}/v1"
            one_by_one = fault.change is None  # what it does may depend on what came before
            options = Options(model=head.model, concurrency=1 if one_by_one else 4)
            result = Run(target, options, where, Silent(), chosen).execute()
            judgement = result.judgement
            code = judgement.exit(Profile.OLLAMA)
            yield Proved(f"{fault.id} (live)", fault.breaks, noticed(judgement), len(names), code)


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
    faults = selected(only)
    if not faults:
        hint = "ids of faults: reference-server --list-faults; of requirements: conformance list"
        raise Misconfigured(f"nothing begins with {', '.join(only)}", hint)
    with tempfile.TemporaryDirectory() as folder:
        result = record(Path(folder) / "clean")
        proof = Proof(ledger.read(result.ledger))
        problems = list(gaps(proof.clean()))
        proved = []
        wire = live(proof, Path(folder), faults) if on_the_wire else ()
        for each in chain(proof.reply_faults(faults), wire):
            proved.append(each)
            if not each.holds:
                problems.append(_problem(each))
    for problem in problems:
        sys.stdout.write(f"RED  {problem}\n")
    seconds = time.monotonic() - began
    held = sum(each.holds for each in proved)
    sys.stdout.write(
        f"{held} of {len(proved)} faults named by exactly what they break, "
        f"{len(catalogue())} requirements, {len(problems)} problems, {seconds:.1f} s\n"
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "proof.json").write_text(
            json.dumps(_matrix(proved), indent=1) + "\n", encoding="utf-8"
        )
    return 1 if problems else 0


def _problem(proved: Proved) -> str:
    if not proved.changed:
        return f"{proved.fault} changes nothing that was recorded"
    missed = sorted(proved.breaks - proved.noticed)
    extra = sorted(proved.noticed - proved.breaks)
    code = "" if proved.code in (None, proved.due) else f", exit code {proved.code}"
    return f"{proved.fault}: missed by {missed}, also noticed by {extra}{code}"


def _matrix(proved: list[Proved]) -> Mapping[str, object]:
    if not proved:
        raise Defect("nothing was proved")
    return {
        each.fault: {
            "breaks": sorted(each.breaks),
            "noticed": sorted(each.noticed),
            "changed": each.changed,
        }
        for each in proved
    }
