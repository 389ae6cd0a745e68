"""What the official clients' helpers for Responses streams make of each fault of such a stream.

The table says what becomes of it in openai-python and in openai-node: the helper `raises`; it
`misleads`, where what it tells on the way is not what it has in the end; or it notices `nothing`.
Where neither raises, the reason says why the norm asks for it all the same.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from nodejs import run

from conformance.requirement import Level, Profile, catalogue
from conformance.target import embedded
from reference_server.faults import FAULTS

PERSON = {
    "type": "object",
    "properties": {"married": {"type": "boolean"}, "age": {"type": "integer"}},
    "required": ["married", "age"],
    "additionalProperties": False,
}
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TEXT = {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}}
TOOLS = [
    {"type": "function", "name": name, "parameters": CITY, "strict": True}
    for name in ("get_weather", "get_time")
]
KINDS = {  # faults.mjs has the same ones
    "text": {"input": "Ann.", "text": TEXT},
    "calls": {"input": "Use get_time and then get_weather.", "tools": TOOLS},
    "summary": {"input": "Why?", "text": TEXT, "reasoning": {"effort": "low", "summary": "auto"}},
}
BY_PAYLOAD = "both read the data alone; programs that dispatch by the name of an event do not"
BY_NUMBER = "the helpers do not look at the numbers; programs that resume a stream do"
BY_ITEM = "the helpers take items from the last event; agents act on each item as it is done"
BY_END = "the helpers keep what came last; programs that show the pieces have shown another text"
BY_PART = (
    "the helpers take the text from elsewhere; programs that show a part when it is whole wait"
)
BY_STATE = "the helpers do not look at the state; programs decide by it whether to go on"
BY_TYPE = "the helpers construct without validating; typed clients (Vercel's, Rust, Go) refuse it"
BY_CALL = "the helpers keep both; programs that pair calls with results by the last event lose them"

# Fault: the kind of stream, what becomes of it in Python and in Node.js, and why it counts.
TABLE: dict[str, tuple[str, str, str, str]] = {
    "responses.begins-with-a-stub": ("text", "nothing", "nothing", BY_TYPE),
    "responses.adds-parts-without-annotations": ("text", "nothing", "nothing", BY_TYPE),
    "responses-stream.ends-without-a-type": ("text", "raises", "raises", ""),
    "responses-stream.pings-with-text": ("text", "raises", "raises", ""),
    "responses-stream.names-every-event-message": ("text", "nothing", "nothing", BY_PAYLOAD),
    "sse.leaves-events-nameless": ("text", "nothing", "nothing", BY_PAYLOAD),
    "responses-stream.forgets-item-ids": ("text", "nothing", "raises", ""),
    "responses-stream.counts-in-strings": ("text", "nothing", "raises", ""),
    "responses-stream.keeps-alive-with-bare-events": ("text", "raises", "raises", ""),
    "responses-stream.keeps-alive-by-events": ("text", "nothing", "nothing", BY_TYPE),
    "responses-stream.forgets-logprobs": ("text", "nothing", "nothing", BY_TYPE),
    "responses-stream.counts-nothing": ("text", "nothing", "nothing", BY_NUMBER),
    "responses-stream.forgets-to-count": ("text", "nothing", "nothing", BY_NUMBER),
    "responses-stream.counts-from-one": ("text", "nothing", "nothing", BY_NUMBER),
    "responses-stream.begins-in-the-middle": ("text", "raises", "raises", ""),
    "responses-stream.begins-with-limits": ("text", "raises", "raises", ""),
    "responses-stream.is-never-in-progress": ("text", "nothing", "nothing", BY_STATE),
    "responses-stream.is-completed-from-the-start": ("text", "nothing", "nothing", BY_STATE),
    "responses-stream.ends-as-another-response": ("text", "raises", "raises", ""),
    "responses-stream.reads-the-clock-again": ("text", "nothing", "nothing", BY_END),
    "responses-stream.changes-the-model": ("text", "nothing", "nothing", BY_END),
    "responses-stream.ends-in-silence": ("text", "raises", "nothing", ""),
    "responses-stream.ends-with-done-alone": ("text", "raises", "nothing", ""),
    "responses-stream.ends-twice": ("text", "nothing", "nothing", BY_END),
    "responses-stream.goes-on-after-an-error": ("text", "nothing", "raises", ""),
    "errors.completes-after-errors": ("text", "nothing", "raises", ""),
    "responses-stream.completes-without-usage": ("text", "nothing", "nothing", BY_TYPE),
    "responses-stream.counts-items-from-one": ("text", "nothing", "nothing", BY_END),
    "responses-stream.adds-items-twice": ("text", "raises", "raises", ""),
    "responses-stream.adds-no-items": ("text", "raises", "raises", ""),
    "responses-stream.leaves-items-open": ("text", "nothing", "nothing", BY_ITEM),
    "responses-stream.finishes-items-twice": ("text", "nothing", "nothing", BY_ITEM),
    "responses-stream.closes-parts-late": ("text", "nothing", "nothing", BY_ITEM),
    "responses-stream.closes-items-late": ("calls", "nothing", "nothing", BY_ITEM),
    "responses-stream.renames-items": ("text", "nothing", "raises", ""),
    "responses-stream.finishes-other-items": ("text", "raises", "raises", ""),
    "responses-stream.adds-finished-items": ("text", "nothing", "nothing", BY_STATE),
    "responses-stream.adds-calls-with-arguments": ("calls", "misleads", "misleads", ""),
    "responses-stream.ends-with-other-items": ("calls", "nothing", "nothing", BY_CALL),
    "responses-stream.ends-with-nothing": ("text", "misleads", "misleads", ""),
    "responses-stream.ends-in-another-order": ("calls", "nothing", "nothing", BY_CALL),
    "responses-stream.frames-no-parts": ("text", "raises", "raises", ""),
    "responses-stream.counts-deltas-from-one": ("text", "raises", "raises", ""),
    "responses-stream.never-says-the-whole": ("text", "nothing", "nothing", BY_PART),
    "responses-stream.leaves-parts-open": ("text", "nothing", "nothing", BY_PART),
    "responses-stream.says-the-whole-twice": ("text", "nothing", "nothing", BY_PART),
    "responses-stream.flushes-late": ("text", "nothing", "nothing", BY_PART),
    "responses-stream.refuses-in-text": ("text", "raises", "raises", ""),
    "responses-stream.adds-parts-with-text": ("text", "misleads", "misleads", ""),
    "responses-stream.counts-parts-from-one": ("text", "raises", "raises", ""),
    "responses-stream.loses-a-piece": ("text", "misleads", "misleads", ""),
    "responses-stream.loses-annotations": ("text", "nothing", "nothing", BY_PART),
    "responses-stream.loses-a-thought": ("summary", "nothing", "nothing", BY_END),
    "responses-stream.frames-no-summaries": ("summary", "nothing", "raises", ""),
    "responses-stream.never-says-the-arguments": ("calls", "nothing", "nothing", BY_ITEM),
    "responses-stream.loses-an-argument": ("calls", "misleads", "misleads", ""),
    "responses-stream.serialises-arguments-twice": ("calls", "nothing", "nothing", BY_END),
}
# Faults that show only where a limit cuts the answer, which a helper for whole answers never has, or
# where reasoning is given back.
ELSEWHERE = {
    "responses.refuses-its-own-reasoning",
    "responses.calls-cut-streams-whole",
    "responses-stream.completes-what-is-cut",
    "responses-stream.completes-the-cut-item",
}


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with embedded("--pace", "0.0001") as url:
        yield url.removesuffix("/v1")


def heard(base: str, fault: str, kind: str) -> str:
    """What the helper of openai-python makes of a stream with a fault."""
    client = openai.OpenAI(base_url=f"{base}/fault/{fault}/v1", api_key="x", max_retries=0)
    told: dict[int, str] = {}
    try:
        with (
            client,
            client.responses.stream(
                model="embedded", max_output_tokens=200, **KINDS[kind]
            ) as stream,
        ):
            for event in stream:
                if event.type.endswith(("output_text.delta", "arguments.delta")):
                    told[event.output_index] = event.snapshot
            final = stream.get_final_response()
    except Exception:  # noqa: BLE001  which one is the client's own affair
        return "raises"
    calls = [item.arguments for item in final.output if item.type == "function_call"]
    kept = [*calls, *([final.output_text] if final.output_text else [])]
    return "nothing" if sorted(told.values()) == sorted(kept) else "misleads"


def test_the_table_has_every_fault_of_the_stream() -> None:
    found = {
        fault.id
        for fault in FAULTS.values()
        if fault.on == ("responses-stream",) and fault.kind == "reply"
    }
    assert found == TABLE.keys() | ELSEWHERE


@pytest.mark.parametrize("fault", TABLE)
def test_what_openai_python_makes_of_a_fault(base: str, fault: str) -> None:
    kind, expected, _, _ = TABLE[fault]
    assert heard(base, fault, kind) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_without_a_fault_raises_nothing(base: str, kind: str) -> None:
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="x", max_retries=0)
    with (
        client,
        client.responses.stream(model="embedded", max_output_tokens=200, **KINDS[kind]) as stream,
    ):
        stream.until_done()
        assert stream.get_final_response().status == "completed"


@pytest.mark.node
def test_what_openai_node_makes_of_the_faults(base: str, project: Path) -> None:
    names = {"BASE_URL": f"{base}/v1", "MODEL": "embedded", "EMBEDDER": ""}
    pairs = [f"{fault}={kind}" for fault, (kind, *_) in TABLE.items()]
    done = run(project, "faults.mjs", *pairs, **names)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {fault: node for fault, (_, _, node, _) in TABLE.items()}


@pytest.mark.parametrize("fault", TABLE)
def test_what_no_client_raises_at_has_a_reason(fault: str) -> None:
    _, python, node, why = TABLE[fault]
    broken = {catalogue()[id_].levels[Profile.OPENAI] for id_ in FAULTS[fault].breaks}
    if {python, node} == {"nothing"} and Level.MUST in broken:
        assert why
    assert not (why and "raises" in (python, node))
