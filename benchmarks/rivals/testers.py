"""The testers side by side: how each is started on one surface, and how its findings are read."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rivals.server import MODEL
from rivals.views import generation, prompts

from conformance import ledger
from conformance.data import SPECS
from conformance.judge import Judge

HERE = Path(__file__).parent
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "models": ("listModels", "retrieveModel"),
    "chat": ("createChatCompletion",),
    "chat-stream": ("createChatCompletion",),
    "completions": ("createCompletion",),
    "completions-stream": ("createCompletion",),
    "embeddings": ("createEmbedding",),
    "images": ("createImage",),
    "responses": ("createResponse",),
    "responses-stream": ("createResponse",),
}
EXCLUDED = "ignored_auth,missing_required_header"  # the document says that keys are not looked at
CONFIG = """\
hooks = "rivals.hooks"
continue-on-failure = true
max-stream-events = 100000
request-timeout = 20.0
suppress-health-check = ["all"]
warnings = false
[output.sanitization]
enabled = false
[generation]
with-security-parameters = false
database = "none"
"""
QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`""")
NUMBER = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
PLACE = re.compile(r"Schema at \S+")
MISSING = "is a required property"
CAUSE = re.compile(r"Invalid component: [^(\n]*")
Finding = tuple[str, ...]


@dataclass(frozen=True)
class Told:
    """What a tester said of a server: its findings, each with an example, and how many requests
    it judged by at least one rule.
    """

    findings: Mapping[Finding, str]
    judged: int


class Tester(ABC):
    """One tester with its settings."""

    name: str

    @abstractmethod
    def command(self, url: str, surface: str, out: Path) -> list[str]:
        """The command that tests one surface of the server at a base URL, or all if it is empty."""

    @abstractmethod
    def read(self, out: Path) -> Told:
        """What it found, from what it wrote."""

    def environment(self, _surface: str) -> Mapping[str, str]:
        """Variables that it wants."""
        return {}


class Ours(Tester):
    """Our own suite at one intensity."""

    def __init__(self, intensity: str) -> None:
        self.name = f"this suite, {intensity}"
        self._intensity = intensity

    def command(self, url: str, surface: str, out: Path) -> list[str]:
        """Limited to the surface."""
        words = [sys.executable, "-m", "conformance", "run", url]
        words += ["--only", surface] if surface else []
        return [*words, "--intensity", self._intensity, "--shrink", "0", "--no-cache",
                "--out", str(out)]  # fmt: skip

    def read(self, out: Path) -> Told:
        """A finding is a requirement that fails or warns in some profile, or a check that broke."""
        tree = json.loads((out / "verdicts.json").read_text(encoding="utf-8"))
        found: dict[Finding, str] = {}
        for row in tree["requirements"]:
            if {"fail", "warn", "error"} & set(row["verdicts"].values()):
                said = (row["findings"] or [{"observed": row["reason"]}])[0]["observed"]
                found[row["id"], row["surface"]] = str(said)[:300]
        return Told(found, _judged(ledger.read(out / "run.jsonl")))


def _judged(recording: ledger.Recording) -> int:
    """The exchanges of dialogues that some rule of the surface could judge."""
    judge = Judge(recording.head)
    wanted = {(requirement.id, surface) for requirement, surface in judge.pairs}
    return sum(
        len(exchanges)
        for exchanges in recording.dialogues()
        if any(
            (each.requirement, each.surface) in wanted and not each.undecided
            for each in judge.examine(exchanges).outcomes
        )
    )


class Schemathesis(Tester):
    """`schemathesis run` on one document: every phase, every check that can hold, the hook."""

    def __init__(
        self, name: str, document: Mapping[str, Any] | Path, work: Path, examples: int
    ) -> None:
        self.name = f"schemathesis, {name}"
        self._examples = examples
        self._config = work / "rival.toml"  # by its usual name ours would read it too
        self._config.write_text(CONFIG, encoding="utf-8")
        if isinstance(document, Path):
            self._document = document
        else:
            self._document = work / "view.json"
            self._document.write_text(json.dumps(document), encoding="utf-8")

    def command(self, url: str, surface: str, out: Path) -> list[str]:
        """Limited to the operations of the surface."""
        program = str(Path(sys.executable).with_name("schemathesis"))
        only = [w for id_ in OPERATIONS.get(surface, ()) for w in ("--include-operation-id", id_)]
        return [program, "--config-file", str(self._config), "run", str(self._document),
                "--url", url, *only, "--checks", "all", "--exclude-checks", EXCLUDED,
                "--max-examples", str(self._examples), "--no-shrink", "--seed", "0",
                "--workers", "1", "--no-color",
                "--report", "ndjson", "--report-ndjson-path", str(out / "run.ndjson")]  # fmt: skip

    def environment(self, _surface: str) -> Mapping[str, str]:
        """What the hook wants to know."""
        return {
            "PYTHONPATH": os.pathsep.join((str(HERE.parent), os.environ.get("PYTHONPATH", ""))),
            "RIVAL_MODEL": MODEL,
            "RIVAL_STREAMED": str(int(_surface.endswith("-stream"))),
            "RIVAL_PROMPTS": json.dumps(prompts()),
        }

    def read(self, out: Path) -> Told:
        """A finding is a failure by its check, operation, status and cause, or an error."""
        found: dict[Finding, str] = {}
        judged = 0
        for kind, event in _events(out / "run.ndjson"):
            recorder = event.get("recorder", {})
            for n, (id_, checks) in enumerate(recorder.get("checks", {}).items()):
                judged += bool(checks)
                for key, example in _failures(checks, recorder["interactions"].get(id_, {})):
                    found.setdefault(key, f"{event['phase']} {n}: {example}")
            if kind in ("NonFatalError", "FatalError"):
                key, example = _error(event)
                found.setdefault(key, example)
        return Told(found, judged)


def _events(path: Path) -> Iterator[tuple[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield from json.loads(line).items()


def _failures(checks: list[Any], interaction: Mapping[str, Any]) -> Iterator[tuple[Finding, str]]:
    response = interaction.get("response") or {}
    status = str(response.get("status_code", "none"))
    for check in checks:
        if check["status"] == "success":
            continue
        failure = check["failure_info"]["failure"]
        message, answer = failure["message"], _text(response)
        cause = _cause(check["name"], message, answer)
        example = f"{message[:300]}\n{_text(interaction.get('request') or {}, 'body')[:300]}"
        yield (check["name"], failure["operation"], status, cause), f"{example}\n{answer[:300]}"


def _cause(check: str, message: str, answer: str) -> str:
    """What tells two failures of one check apart: the rule, not the values that broke it."""
    if check == "negative_data_rejection":
        return " ".join(CAUSE.findall(message))
    if check == "positive_data_acceptance":
        return _refusal(answer)
    first = message.partition("\n")[0]
    place = " ".join(PLACE.findall(message))
    return f"{first if first.endswith(MISSING) else _bare(first)} {place}".strip()


def _refusal(answer: str) -> str:
    """Why a request was refused, by the error in the answer."""
    try:
        error = json.loads(answer)["error"]
        return f"{error.get('param')}: {_bare(error['message'])}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return _bare(answer)


def _bare(text: str) -> str:
    return NUMBER.sub("0", QUOTED.sub("'...'", text))[:300]


def _error(event: Mapping[str, Any]) -> tuple[Finding, str]:
    """What kept it from going on, such as a connection that broke."""
    value = event.get("value") or event.get("exception") or {}
    cause = str(value.get("type", "error"))
    return ("error", str(event.get("label", "")), "none", cause), json.dumps(event)[:600]


def _text(message: Mapping[str, Any], member: str = "content") -> str:
    """The body of a recorded request or response."""
    body = message.get(member)
    data = body.get("$base64", "") if isinstance(body, dict) else ""
    return base64.b64decode(data).decode("utf-8", "replace")


def testers(work: Path, examples: int) -> tuple[Tester, ...]:
    """All of them; what they need lies in a folder."""
    raw = SPECS / "ollama-openai.yaml"
    return (
        Ours("standard"),
        Ours("quick"),
        Schemathesis("document", raw, work, examples),
        Schemathesis("generation view", generation(MODEL), work, examples),
    )
