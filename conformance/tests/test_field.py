"""What servers that nobody here wrote have taught: their bytes, and what is right to say of them."""

import base64
import json
import struct
from dataclasses import replace

import pytest

from conformance.contract.contract import load
from conformance.judge import Judge
from conformance.ledger import Head, Tail
from conformance.reading import Reading
from conformance.requirement import catalogue
from conformance.rules import Judged, Rules
from conformance.wire.exchange import End, Exchange, Headers, Piece, Reply, Request
from conformance.wire.marks import NO_MODEL

RULES = Rules(load(), catalogue())


def reading(
    path: str, body: object, status: int, answer: bytes, kind: str, *headers: tuple[str, str]
) -> Reading:
    """A request and its reply, as they stand in a ledger."""
    sent: Headers = headers or (("Content-Type", "application/json"),)
    method = "GET" if body is None else "POST"
    data = None if body is None else json.dumps(body).encode()
    reply = Reply(status, (("content-type", kind),), (Piece(0.2, answer),))
    request = Request(method, path, sent, data)
    exchange = Exchange(0, "d", 0, request, reply, End.COMPLETE, started=0.1, ended=0.3)
    return Reading(exchange, load())


def judged(x: Reading, requirement: str) -> list[Judged]:
    """What a requirement says of an exchange; nothing if it does not judge it."""
    return [each for each in RULES.examine((x,)) if each.requirement == requirement]


COMPLETION = (
    b'{"id":"chatcmpl-1d35","object":"chat.completion","created":1795735325,"model":"gpt-4o",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","tool_calls":null,'
    b'"refusal":null},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":12,"completion_tokens":12,"total_tokens":24}}'
)


def test_an_answer_may_be_sent_back_as_it_came() -> None:
    """llmock answers `tool_calls: null`; to take that in a history is no fault."""
    said = json.loads(COMPLETION)["choices"][0]["message"]
    messages = [
        {"role": "user", "content": "Count from 1 to 5."},
        said,
        {"role": "user", "content": "Go on."},
    ]
    body = {"model": "gpt-4o", "messages": messages, "max_tokens": 16}
    x = reading("/chat/completions", body, 200, COMPLETION, "application/json")
    assert not x.standing.invalid
    assert judged(x, "http.wrong-type-refused") == []


RESPONSE = b'{"id":"resp_62f9","object":"response","status":"completed","model":"m","output":[]}'


def test_a_body_that_is_not_announced_as_json_asks_for_no_stream() -> None:
    """llmock does not read such a body, which it may: then it cannot know of `stream` either."""
    body = {"model": "m", "input": "Say hello.", "max_output_tokens": 17, "stream": True}
    text = ("Content-Type", "text/plain")
    x = reading("/responses", body, 200, RESPONSE, "application/json", text)
    assert judged(x, "http.stream-media-type") == []
    x = reading("/responses", body, 200, RESPONSE, "application/json")
    assert [len(each.findings) for each in judged(x, "http.stream-media-type")] == [1]


HEAD = Head("http://t/v1", "m", "ollama", "standard", 0, "0", "")
NOT_FOUND = b'{"detail":"Not Found"}'
PROMPT = {"model": "m", "prompt": "Once upon a time", "max_tokens": 2}


def test_nothing_is_told_of_what_is_not_offered() -> None:
    """llm-katan has no /completions: a run must not call that a failure on its way either."""
    x = reading("/completions", PROMPT, 404, NOT_FOUND, "application/json")
    judge = Judge(HEAD)
    assert judge.dialogue((x.exchange,)) == []
    listed = reading("/completions", PROMPT | {"suffix": "."}, 404, NOT_FOUND, "application/json")
    assert judge.dialogue((listed.exchange,)) == []
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
    answer = reading("/chat/completions", body, 200, COMPLETION, "application/json")
    judge.dialogue((answer.exchange,))
    result = judge.result(Tail("complete"))
    assert [claim.name for claim in result.unclaimed] == ["completions"]
    rows = [row for row in result.rows if row.surface == "completions" and row.findings]
    assert [row.requirement.id for row in rows] == ["http.offered"]


def test_a_reason_says_which_operation_never_succeeded() -> None:
    """llm-katan lists models and retrieves none: its 404 is no error to judge, and says why."""
    listed = b'{"object":"list","data":[]}'
    judge = Judge(HEAD)
    for path, status, body in (("/models", 200, listed), ("/models/m", 404, NOT_FOUND)):
        judge.dialogue((reading(path, None, status, body, "application/json").exchange,))
    rows = judge.result(Tail("complete")).rows
    why = {row.requirement.id: row.reason for row in rows if row.surface == "models"}
    assert why["errors.envelope"] == (
        "only errors could show it, and GET /models/{model} never answered with success"
    )
    assert why["models.stable"] == "no reply of this standard run could show it"


ECHO = (
    b'{"id":"chatcmpl-2ebc","object":"chat.completion","created":1795736137,"model":5,'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'
)
HELLO = b'"messages":[{"role":"user","content":"Say hello."}],"max_tokens":2'


def test_an_answer_may_mirror_what_json_leaves_open() -> None:
    """Fakellm takes the last of two `model`s, which it may, and answers in its name."""
    x = reading("/chat/completions", None, 200, ECHO, "application/json")
    sent = b'{"model":"gpt-4o",' + HELLO + b',"model":5}'
    request = Request("POST", "/chat/completions", (("Content-Type", "application/json"),), sent)
    x = Reading(replace(x.exchange, request=request), load())
    assert x.answered
    assert judged(x, "http.schema") == []


STREAM = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
    b'[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)


@pytest.mark.parametrize("stream", ["AAA", 1, 0])
def test_whether_a_stream_was_asked_for_is_open_where_its_member_is_wrong(stream: object) -> None:
    """Fakellm takes "AAA" for true; that it does not refuse it is one finding, not two."""
    messages = [{"role": "user", "content": "Say hello."}]
    body = {"model": "m", "messages": messages, "max_tokens": 2, "stream": stream}
    x = reading("/chat/completions", body, 200, STREAM, "text/event-stream")
    assert judged(x, "http.json-media-type") == []
    assert [len(each.findings) for each in judged(x, "http.wrong-type-refused")] == [1]


@pytest.mark.parametrize("function", [0, {"name": 0}, {"description": ""}])
def test_what_the_document_says_of_nested_tools_on_responses_is_no_rule(function: object) -> None:
    """The document's tools on /responses are its own error (RUL-32), whatever is wrong in them."""
    body = {"model": "m", "input": "Say hello.", "max_output_tokens": 17}
    body |= {"tools": [{"type": "function", "function": function}]}
    x = reading("/responses", body, 200, RESPONSE, "application/json")
    wrong = ("http.wrong-type-refused", "http.missing-member-refused")
    assert [judged(x, id_) for id_ in wrong] == [[], []]


def _pieces(count: int, first: float, between: float) -> tuple[Piece, ...]:
    chunk = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":'
        b'[{"index":0,"delta":{"content":"x"},"finish_reason":null}]}\n\n'
    )
    return tuple(Piece(first + n * between, chunk) for n in range(count))


@pytest.mark.parametrize(("seconds", "decided"), [(0.007, False), (0.194, False), (0.7, True)])
def test_shares_of_a_few_milliseconds_mean_nothing(seconds: float, *, decided: bool) -> None:
    """Mockllm answers in 7 ms, or 194 where the machine is busy, nearly all of it before the first
    piece: that holds nothing back.
    """
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True}
    x = reading("/chat/completions", body, 200, b"", "text/event-stream").exchange
    assert x.reply is not None
    pieces = _pieces(32, 0.94 * seconds, 0.001 * seconds)
    reply = replace(x.reply, pieces=pieces)
    late = Reading(replace(x, reply=reply, started=0.0, ended=seconds), load())
    found = judged(late, "chat-stream.incremental")
    assert [(bool(each.findings), bool(each.undecided)) for each in found] == [
        (decided, not decided)
    ]


USAGE = (
    b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":2,"completion_tokens":11,"total_tokens":13}}\n\n'
)


@pytest.mark.parametrize(("asked", "broken"), [("AAA", []), (False, [1])])
def test_usage_that_was_asked_for_in_a_wrong_way_is_no_fault_of_its_own(
    asked: object, broken: list[int]
) -> None:
    """Llmock takes "AAA" for true; that it does not refuse it is told already."""
    messages = [{"role": "user", "content": "Say hello."}]
    body = {"model": "m", "messages": messages, "max_tokens": 2, "stream": True}
    body |= {"stream_options": {"include_usage": asked}}
    answer = STREAM.replace(b"data: [DONE]", USAGE + b"data: [DONE]")
    x = reading("/chat/completions", body, 200, answer, "text/event-stream")
    found = judged(x, "chat-stream.no-usage-unasked")
    assert [len(each.findings) for each in found] == broken


TEXT = (
    b'{"id":"cmpl-1","object":"text_completion","created":1795738031,"model":"smollm2","choices":'
    b'[{"text":", the","index":0,"logprobs":null,"finish_reason":"length"}]}'
)


@pytest.mark.parametrize(("model", "broken"), [(NO_MODEL, False), ("other", True)])
def test_what_answers_in_place_of_no_model_may_say_who_it_is(model: str, *, broken: bool) -> None:
    """Llama.cpp has one model and answers for any name: that it names its own is honest, and that
    it answers at all is told already.
    """
    x = reading("/completions", PROMPT | {"model": model}, 200, TEXT, "application/json")
    (found,) = judged(x, "completions.names-model")
    assert bool(found.findings) is broken
    body = {"model": model, "messages": [{"role": "user", "content": "x"}], "max_tokens": 2}
    x = reading("/chat/completions", body, 200, COMPLETION, "application/json")
    (found,) = judged(x, "chat.model-echoed")
    assert bool(found.findings) is broken


LINK = (
    b'{"created":1795738321,"data":[{"url":"data:image/svg+xml;base64,PHN2Zz4=","b64_json":null}]}'
)
PLAIN: dict[str, str] = {}
INLINE = {"response_format": "b64_json"}


@pytest.mark.parametrize(
    ("extra", "broken"), [(PLAIN, {"images.inline"}), (INLINE, {"images.decodable"})]
)
def test_a_link_in_place_of_a_picture_is_one_finding_of_a_rule_of_its_own(
    extra: dict[str, str], broken: set[str]
) -> None:
    """Llmock sends links, as some official models do; `b64_json: null` beside them says no more."""
    body = {"model": "m", "prompt": "A red square on white."} | extra
    x = reading("/images/generations", body, 200, LINK, "application/json")
    found = {each.requirement for each in RULES.examine((x,)) if each.findings}
    assert found == broken


def test_a_response_may_tell_its_time_to_a_fraction_but_should_not() -> None:
    """`transformers serve` does, and the official clients type it as a number (RUL-47)."""
    text = {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    usage = {"input_tokens": 33, "output_tokens": 2, "total_tokens": 35}
    answer = {
        "id": "resp_1", "object": "response", "created_at": 1795736071.7150202, "model": "m",
        "status": "completed", "output": [message | {"content": [text]}], "usage": usage,
        "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
    }  # fmt: skip
    body = {"model": "m", "input": "Say hello.", "max_output_tokens": 17}
    x = reading("/responses", body, 200, json.dumps(answer).encode(), "application/json")
    assert not any(each.findings for each in judged(x, "http.schema"))
    assert [len(each.findings) for each in judged(x, "responses.created-at-whole")] == [1]


@pytest.mark.parametrize(("counted", "broken"), [(0, False), (12, True)])
def test_what_is_never_counted_tells_nothing_of_what_was_read(
    counted: int, *, broken: bool
) -> None:
    """Aimock counts no tokens of input: that instructions add none to them says nothing."""
    text = {"type": "output_text", "text": "Hi", "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    usage = {"input_tokens": counted, "output_tokens": 0, "total_tokens": counted}
    answer = json.dumps(
        {"id": "resp_1", "object": "response", "status": "completed", "model": "m"}
        | {"created_at": 1, "output": [message | {"content": [text]}], "usage": usage}
    ).encode()
    body = {"model": "m", "input": "Say hello.", "max_output_tokens": 16}
    told = body | {"instructions": "Answer in one word."}
    pair = tuple(
        reading("/responses", each, 200, answer, "application/json") for each in (body, told)
    )
    outcomes = [x for x in RULES.examine(pair) if x.requirement == "responses.instructions-counted"]
    assert [(bool(x.findings), bool(x.undecided)) for x in outcomes] == [(broken, not broken)]


NUMBERS = (-0.02771889418363571, -0.007371927611529827, 0.5585787892341614, 1.5e-9)
BITS = (-0.027718892320990562, -0.007371928542852402, 0.5585787892341614, 1.1e-9)


def test_the_last_bits_of_a_vector_are_no_other_vector() -> None:
    """Llama.cpp gives one of two vectors that differ in their last bits, whatever the form."""
    text = {"model": "m", "input": "The food was delicious."}
    packed = base64.b64encode(struct.pack("<4f", *BITS)).decode()
    forms = ((text, NUMBERS), (text | {"encoding_format": "base64"}, packed), (text, NUMBERS))
    told = {"object": "list", "model": "m", "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    dialogue = tuple(
        reading(
            "/embeddings", body, 200, json.dumps(
                told | {"data": [{"object": "embedding", "index": 0, "embedding": vector}]}
            ).encode(), "application/json",
        )
        for body, vector in (forms[0], forms[2], forms[1])
    )  # fmt: skip
    (found,) = [x for x in RULES.examine(dialogue) if x.requirement == "embeddings.base64-same"]
    assert (found.findings, found.undecided) == ((), "")


def test_a_call_of_what_only_the_choice_named_is_one_finding() -> None:
    """Llmock calls the function that `tool_choice` names, though no tool has that name: that it
    does not refuse the choice is told already.
    """
    call = {"id": "call_0d57", "type": "function", "function": {"name": "nope", "arguments": "{}"}}
    answer = json.loads(COMPLETION)
    answer["choices"][0] |= {
        "message": {"role": "assistant", "content": None, "tool_calls": [call]},
        "finish_reason": "tool_calls",
    }
    chosen = {"type": "function", "function": {"name": "nope"}}
    tools = [{"type": "function", "function": {"name": "get_weather"}}]
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}], "max_tokens": 8}
    for choice, broken in ((chosen, False), ("auto", True)):
        sent = body | {"tools": tools, "tool_choice": choice}
        raw = json.dumps(answer).encode()
        x = reading("/chat/completions", sent, 200, raw, "application/json")
        assert any(each.findings for each in judged(x, "chat.tool-offered")) is broken
