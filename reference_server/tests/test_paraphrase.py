"""The server knows nothing of the suite: in other words, the same rules are reached and kept."""

import ast
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conformance.requirement import Profile
from conformance.run import Options, Run, Silent
from conformance.target import embedded
from conformance.verdict import Verdict
from conformance.wire.client import Client
from conformance.wire.exchange import Request

ROOT = Path(__file__).resolve().parents[2]
UNDECIDED = Verdict.INCONCLUSIVE
SPOKEN = {"content", "prompt", "input", "text", "instructions", "description"}
SCHEMAS = {"parameters", "schema"}
SPEECH = re.compile(r"\w+ \w+|\w+ .*[.:?]")  # two words, or the beginning of a sentence
LEAST = 0.97  # of the rules are reached in other words too; a model may say something else to them
SENTENCES = {  # by hand; everything else by `mechanically`
    "Say hello.": "Greet me, please.",
    "Go on.": "And then?",
    "Name three colours.": "Which four rivers are long?",
    "Count from 1 to 5.": "Say the numbers 11 to 15.",
    "Count from 1 to 40, one number after the other.": "Starting at 7, call out number after number up to 60.",
    "What is the weather in Paris?": "Will it rain in Lagos tomorrow?",
    "What is the weather in Paris? Use the tool.": "Tell me whether it will rain in Lagos, with what you have.",
    "Use the tool to look up the weather in Rome.": "Please find out how warm Quito is today.",
    "Repeat exactly: 日本語 😀 é ü ñ 🚀": "Say this after me: 中文字 🐢 ö ß ç 🍀",
    "Repeat this word again and again: amber": "Chant one thing only: walrus",
    "Repeat this word again and again: basalt": "Chant one thing only: magpie",
    "Repeat this word again and again: cobalt": "Chant one thing only: gecko",
}  # fmt: skip
NAMES = {"get_weather": "forecast_for", "city": "town", "Paris": "Lagos", "Rome": "Quito"}
LEXICON = (
    "lamp",
    "river",
    "quiet",
    "seven",
    "under",
    "orchard",
    "tends",
    "moss",
    "bright",
    "ferry",
)


def mechanically(text: str) -> str:
    """Other words, and other numbers; what is written in capitals stays, such as JSON."""
    text = re.sub(r"\b[A-Z]?[a-z]{2,}\b", lambda w: LEXICON[zlib.crc32(w[0].encode()) % 10], text)
    return re.sub(r"\b\d{1,3}\b", lambda n: str(int(n[0]) + 20), text)


def reworded(value: Any, key: str = "") -> Any:
    """A JSON value with other words where people speak, and other names throughout."""
    if isinstance(value, Mapping):
        kept = key in SCHEMAS  # what is no speech has to stay a schema
        return {
            renamed(name): reworded(each, key if kept else name) for name, each in value.items()
        }
    if isinstance(value, list):
        return [reworded(each, key) for each in value]
    if not isinstance(value, str):
        return value
    return SENTENCES.get(value) or mechanically(value) if key in SPOKEN else renamed(value)


def renamed(text: str) -> str:
    if text.startswith("#/"):  # a reference inside a schema
        return "/".join(NAMES.get(part, part) for part in text.split("/"))
    return NAMES.get(text, text)


def paraphrased(request: Request) -> Request:
    """The same request in other words; what is no JSON object stays as it is."""
    try:
        body = json.loads((request.body or b"").decode())
        told = (
            json.dumps(reworded(body), ensure_ascii=False).encode()
            if isinstance(body, dict)
            else None
        )
    except (ValueError, RecursionError):
        return request
    return request if told is None else Request(request.method, request.path, request.headers, told)


def verdicts(folder: Path) -> dict[str, dict[Profile, Verdict]]:
    with embedded() as url:
        result = Run(url, Options(), folder, Silent()).execute()
    return {
        f"{row.surface}::{row.requirement.id}": dict(row.verdicts) for row in result.judgement.rows
    }


def test_in_other_words_the_same_rules_are_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_written = verdicts(tmp_path / "one")
    send, told = Client.send, []

    def other(self: Client, request: Request, **options: Any) -> Any:
        changed = paraphrased(request)
        told.append(changed.body != request.body)
        return send(self, changed, **options)

    monkeypatch.setattr(Client, "send", other)
    in_other_words = verdicts(tmp_path / "two")
    assert in_other_words.keys() == as_written.keys()
    changed = {name: row for name, row in in_other_words.items() if row != as_written[name]}
    assert {verdict for row in changed.values() for verdict in row.values()} <= {UNDECIDED}
    assert len(changed) <= (1 - LEAST) * len(as_written)
    assert sum(told) > 300


def constants(folder: Path) -> Iterator[str]:
    """The string constants of a package that are sentences, without those that document it."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Dict | ast.Call | ast.List | ast.Tuple | ast.Assign):
                for each in ast.walk(node):
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each.value


def test_no_prompt_of_the_suite_stands_in_the_server() -> None:
    prompts = {text for text in constants(ROOT / "conformance" / "probes") if SPEECH.search(text)}
    assert prompts > {"Go on.", "Name three colours."}
    assert prompts >= SENTENCES.keys() - {t for t in SENTENCES if ": " in t[:40]}
    apart = {"tests", "faults"}
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "reference_server").rglob("*.py")
        if not apart & set(path.parts)
    )
    names = {"get_weather", "amber", "basalt", "cobalt", "Paris", "Rome"}
    assert [text for text in sorted(prompts | names) if text in source] == []
