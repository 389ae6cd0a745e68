"""A run, from options to a judgement: look at the target, plan, hold, record, judge.

Both front doors, the command and the pytest plugin, start here and differ only in the listener.
"""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import time
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from conformance.again import recall
from conformance.check import Finding
from conformance.config import Options
from conformance.contract.contract import Contract, load
from conformance.errors import Misconfigured
from conformance.judge import Judge
from conformance.ledger import Head, Ledger, Tail
from conformance.probes import chat, models
from conformance.probes.plan import Plan, plan
from conformance.probes.probe import Probe, get, post, single
from conformance.requirement import catalogue, selected
from conformance.runner import AT_ONCE, Budget, Clock, Runner
from conformance.smaller import ALL, Failed, Seeker, Send
from conformance.target import bases, seen
from conformance.verdict import Judgement
from conformance.wire.client import Client, Limits
from conformance.wire.exchange import Exchange

LOOK = 12.0  # seconds for the first look at the target, whatever it does
WARM_UP = 16  # tokens
SLOWER = 2  # times that a token may take as long as it did in the warm-up


class Listener(Protocol):
    """Whoever watches a run."""

    def looked(self, base: str, model: str, chosen: str) -> None:
        """The target answered; `chosen` says how the model was found."""

    def planned(self, plan: Plan, seconds: float | None) -> None:
        """What is going to be sent, and how long it takes at the speed measured."""

    def progress(self, done: int, of: int, findings: list[Finding]) -> None:
        """A dialogue was judged, and what it newly showed."""

    def shrinking(self, failed: int, requests: int) -> None:
        """Smaller requests are sought for so many findings, by so many requests at the most."""


class Silent:
    """A listener that says nothing."""

    def looked(self, base: str, model: str, chosen: str) -> None:
        """Say nothing."""

    def planned(self, plan: Plan, seconds: float | None) -> None:
        """Say nothing."""

    def progress(self, done: int, of: int, findings: list[Finding]) -> None:
        """Say nothing."""

    def shrinking(self, failed: int, requests: int) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Result:
    """A finished run: what it means, and where its ledger lies."""

    judgement: Judgement
    ledger: Path


def version() -> str:
    """The version of the suite."""
    return importlib.metadata.version("openai-conformance")


def default_out(url: str) -> Path:
    """`reports/<time>-<host>`."""
    parts = urlsplit(url)
    host = f"{parts.hostname}-{parts.port}" if parts.port else str(parts.hostname)
    return Path("reports") / f"{time.strftime('%Y%m%d-%H%M%S')}-{host}"


class Run:
    """One run against one target. `stop` may be called at any time, from a signal handler too.

    `chosen` is a plan to hold in place of the one that the options ask for.
    """

    def __init__(
        self,
        url: str,
        options: Options,
        out: Path,
        listener: Listener,
        chosen: Plan | None = None,
    ) -> None:
        self.options = options
        self.out = out
        self.listener = listener
        self.contract: Contract = load()
        self.clock = Clock()
        self.url = url
        self.chosen = chosen
        self.runner: Runner | None = None
        self._stopped = False

    def stop(self) -> None:
        """End the run early; what was judged stays judged."""
        self._stopped = True
        if self.runner is not None:
            self.runner.stop()

    def execute(self) -> Result:
        """Do it all. An unusable target gives a judgement that says so, never an exception."""
        self.out.mkdir(parents=True, exist_ok=True)
        look = self._look()
        head = self._head(look.base, look.model)
        if look.model and not self._stopped:
            return self._execute(look, head)
        return self._conclude(head, look)

    def _execute(self, look: Look, head: Head) -> Result:
        surfaces = frozenset(s for _, s in selected(self.options.only, catalogue()))
        chosen = self.chosen or plan(
            self.contract,
            look.model,
            self.options.intensity,
            self.options.seed,
            surfaces,
            self.options.embedding_model or "",
        )
        if self.options.cache is not None:
            before = recall(self.options.cache, look.base, look.model, self.contract, surfaces)
            chosen = replace(chosen, probes=(*before, *chosen.probes))
        head = replace(head, planned=chosen.surfaces, unsent=chosen.unsent)
        record = Ledger(self.out / "run.jsonl", head)
        judge = Judge(head, self.contract)
        self._hand_on(record, judge, look.exchanges)
        runner = self._runner(look)
        warm = runner.hold(_warm_up(look.model))
        self._hand_on(record, judge, warm)
        problem = judge.claims.unusable()
        if problem and not self._stopped:
            tail = Tail("unusable", f"{problem}{self._advice(look.model)}")
        else:
            runner.pace = _pace(warm)
            runner.client.allow(SLOWER * runner.pace * chosen.longest)
            seconds = runner.pace * chosen.tokens / self.options.concurrency
            self.listener.planned(chosen, seconds or None)
            tail = self._hold(runner, chosen, record, judge)
        record.close(tail)
        return Result(judge.result(tail), record.path)

    def _advice(self, model: str) -> str:
        """What to try where nothing answers to a model that we chose: it may only embed."""
        asked = f", asked for {model}, the first model listed; name another by --model"
        return "" if self.options.model else asked

    def _runner(self, look: Look) -> Runner:
        client = Client(
            look.base,
            key=self.options.api_key,
            limits=Limits(),
            clock=self.clock,
            max_connections=self.options.concurrency * AT_ONCE,
        )
        budget = Budget(
            self.clock() + self.options.seconds,
            self.options.max_requests,
            self.options.max_generated_tokens,
        )
        self.runner = Runner(
            client, self.clock, budget, self.options.concurrency, len(look.exchanges)
        )
        if self._stopped:
            self.runner.stop()
        return self.runner

    def _hold(self, runner: Runner, chosen: Plan, record: Ledger, judge: Judge) -> Tail:
        done = 0
        failed = Failed(self.contract, self.options.profile)

        def finished(exchanges: tuple[Exchange, ...]) -> None:
            nonlocal done
            done += 1
            findings = self._hand_on(record, judge, exchanges)
            failed.see(exchanges, findings)
            self.listener.progress(done, len(chosen.probes), findings)

        tail = runner.run(chosen.probes, finished)
        if tail.reason == "complete":
            self._shrink(runner, failed, partial(self._hand_on, record, judge))
        runner.client.close()
        return tail

    def _shrink(self, runner: Runner, failed: Failed, send: Send) -> None:
        """Make the requests smaller that failed, the most important first."""
        found = failed.in_order() if self.options.shrink else []
        if found:
            each = self.options.shrink
            self.listener.shrinking(len(found), min(len(found), ALL) * each)
            seeker = Seeker(runner, self.contract, send, each)
            for key, reading in found:
                seeker.seek(key, reading)

    def _hand_on(
        self, record: Ledger, judge: Judge, exchanges: tuple[Exchange, ...]
    ) -> list[Finding]:
        record.write(*exchanges)
        return judge.dialogue(exchanges) if exchanges else []

    def _conclude(self, head: Head, look: Look) -> Result:
        """The result of a run that ended at the first look."""
        record = Ledger(self.out / "run.jsonl", head)
        judge = Judge(head, self.contract)
        self._hand_on(record, judge, look.exchanges)
        tail = Tail("interrupted", "the run was stopped") if self._stopped else None
        tail = tail or Tail("unusable", look.problem)
        record.close(tail)
        return Result(judge.result(tail), record.path)

    def _head(self, base: str, model: str) -> Head:
        options = self.options
        return Head(
            target=base,
            model=model,
            embedding_model=options.embedding_model or "",
            profile=options.profile.value,
            intensity=options.intensity,
            seed=options.seed,
            suite=version(),
            document=self.contract.document.digest,
            started=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            only=options.only,
            declared=options.capabilities,
            waivers=options.waivers,
            limits=asdict(Limits()),
        )

    def _look(self) -> Look:
        """The first of the possible bases at which the models are listed, and a model there."""
        exchanges: list[Exchange] = []
        possible = bases(self.url)
        limits = Limits(connect=5.0, first_byte=LOOK, idle=LOOK, total=LOOK / len(possible))
        for base in possible:
            client = Client(base, key=self.options.api_key, limits=limits, clock=self.clock)
            exchange = client.send(
                get("/models"), number=len(exchanges), dialogue="look", step=len(exchanges)
            )
            client.close()
            exchanges.append(exchange)
            if found := models.ids(exchange):
                model = self.options.model or found[0]
                chosen = "as given" if self.options.model else f"the first of {len(found)} listed"
                self.listener.looked(base, model, chosen)
                return Look(base, model, tuple(exchanges[-1:]))
            if exchange.reply is None:
                break
        return self._unlisted(exchanges)

    def _unlisted(self, exchanges: list[Exchange]) -> Look:
        """No list of models: go on with the model that was given, if a reply came at all."""
        base = bases(self.url)[0]
        if not self.options.model and any(models.is_empty_list(x) for x in exchanges):
            hint = "name one by --model, and the list will be judged too"
            raise Misconfigured("the target lists no model", hint)
        replied = [x for x in exchanges if x.reply is not None]
        if self.options.model and replied and exchanges[0].reply is not None:
            self.listener.looked(base, self.options.model, "as given; GET /models lists none")
            return Look(base, self.options.model, tuple(exchanges[:1]))
        what, hint = seen(exchanges[0])
        return Look(base, "", tuple(exchanges[:1]), f"GET {base}/models gave {what}; {hint}")


@dataclass(frozen=True)
class Look:
    """What the first look at a target showed: no model means that it cannot be used."""

    base: str
    model: str
    exchanges: tuple[Exchange, ...]
    problem: str = ""


def _warm_up(model: str) -> Probe:
    body = chat.good(model) | {"max_tokens": WARM_UP}
    return single("warm-up", "chat", post(chat.PATH, body), tokens=WARM_UP)


def _pace(warm: tuple[Exchange, ...]) -> float:
    """Seconds that a token took in the warm-up, at the least; 0 where that cannot be told."""
    if not warm or warm[-1].reply is None:
        return 0.0
    return (warm[-1].ended - warm[-1].started) / WARM_UP
