"""Chat by the official client: messages, and the parameters of one answer."""

import json
import time

import openai
import pytest

YES = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": "yes"}}}


def text(answer: object, choice: int = 0) -> str:
    return answer.choices[choice].message.content


def test_an_answer_has_its_form(target) -> None:
    before = int(time.time())
    answer = target.chat("Tell me a long story.")
    assert answer.id.startswith("chatcmpl-")
    assert before <= answer.created <= time.time()
    assert answer.model == target.model
    assert answer.choices[0].message.role == "assistant"
    assert text(answer)
    assert answer.choices[0].logprobs is None
    usage = answer.usage
    assert usage.prompt_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_answers_have_ids_of_their_own(target) -> None:
    assert target.chat(max_tokens=1).id != target.chat(max_tokens=1).id


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": "Hello"}],
        [{"role": "user", "content": "Hello", "name": "Ann"}],
        [{"role": "user", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]}],
        [{"role": "system", "content": [{"type": "text", "text": "One"}]}, {"role": "user", "content": "Two"}],
        [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}, {"role": "user", "content": "Three"}],
        [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}],
        [{"role": "system", "content": "Only this."}],
    ],
    ids=["system", "developer", "name", "parts", "system-parts", "turns", "ends-in-assistant", "no-user"],
)  # fmt: skip
def test_conversations_of_every_form_are_answered(target, messages: list) -> None:
    assert target.chat(messages=messages).choices[0].finish_reason in ("stop", "length")


def test_every_part_of_a_message_is_read(target) -> None:
    parts = [{"type": "text", "text": word} for word in ("One", "Two", "Three")]
    long = target.chat(messages=[{"role": "user", "content": parts}], max_tokens=1)
    short = target.chat(messages=[{"role": "user", "content": parts[:1]}], max_tokens=1)
    assert long.usage.prompt_tokens > short.usage.prompt_tokens + 1


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_limit_cuts_with_length(target, name: str) -> None:
    given = {"max_tokens": openai.omit, name: 5}
    answer = target.chat("Tell me a very long story.", **given)
    assert answer.usage.completion_tokens == 5
    assert answer.choices[0].finish_reason == "length"


def test_the_newer_limit_wins(target) -> None:
    answer = target.chat("Tell me a very long story.", max_tokens=9, max_completion_tokens=3)
    assert answer.usage.completion_tokens == 3


def test_n_choices_are_n_answers(target) -> None:
    answer = target.chat("Tell me a story.", n=3, temperature=1.5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert len({text(answer, n) for n in range(3)}) == 3
    assert 3 <= answer.usage.completion_tokens <= 3 * 16
    assert text(answer) == text(target.chat("Tell me a story.", temperature=1.5))


def test_a_seed_repeats_and_another_one_does_not(target) -> None:
    said = [text(target.chat("Tell me a story.", seed=n, temperature=1.5)) for n in (1, 1, 2, 3)]
    assert said[0] == said[1]
    assert len(set(said)) == 3


def test_no_temperature_needs_no_seed(target) -> None:
    cold = [text(target.chat(seed=n, temperature=0)) for n in (1, 2)]
    narrow = text(target.chat(temperature=1, top_p=1e-6))
    assert cold == [narrow, narrow]


def test_probabilities_are_those_of_the_text(target) -> None:
    answer = target.chat("Tell me a story.", logprobs=True, top_logprobs=4, temperature=0)
    tokens = answer.choices[0].logprobs.content
    assert b"".join(bytes(token.bytes) for token in tokens).decode() == text(answer)
    for token in tokens:
        values = [each.logprob for each in token.top_logprobs]
        assert values == sorted(values, reverse=True)
        assert len(values) == 4
        assert (token.top_logprobs[0].token, values[0]) == (token.token, token.logprob)
        assert token.logprob <= 0


def test_probabilities_come_without_alternatives(target) -> None:
    tokens = target.chat(logprobs=True).choices[0].logprobs.content
    assert tokens
    assert all(token.top_logprobs == [] for token in tokens)


@pytest.mark.parametrize("form", ["text", "list", "one of many"])
def test_a_stop_string_cuts_before_itself(target, form: str) -> None:
    whole = text(target.chat("Tell me a story."))
    end = whole[4:7]
    stop = {"text": end, "list": [end], "one of many": ["\x00", end, "\x01\x02", ""]}[form]
    answer = target.chat("Tell me a story.", stop=stop)
    assert text(answer) == whole[: whole.index(end)]
    assert answer.choices[0].finish_reason == "stop"


def test_probabilities_end_with_the_text_at_a_stop_string(target) -> None:
    whole = text(target.chat("Tell me a story."))
    answer = target.chat("Tell me a story.", stop=whole[5:8], logprobs=True)
    said = b"".join(bytes(token.bytes) for token in answer.choices[0].logprobs.content)
    assert said.decode() == text(answer)


def letters(target) -> str:
    """The texts of the tokens 65 and 66, told by the server itself."""
    return "".join(
        target.complete([token], echo=True, max_tokens=0).choices[0].text for token in (65, 66)
    )


def test_a_bias_forces_and_forbids_a_token(target) -> None:
    one, two = letters(target)
    forced = target.chat(logit_bias={"65": 100}, temperature=0, max_tokens=3)
    assert text(forced) == one * 3
    other = target.chat(logit_bias={"65": -100, "66": 100}, temperature=0, max_tokens=3)
    assert text(other) == two * 3


@pytest.mark.parametrize("name", ["frequency_penalty", "presence_penalty"])
@pytest.mark.parametrize("penalty", [2, -1.5])
def test_a_penalty_lowers_what_was_said(target, name: str, penalty: float) -> None:
    """Two tokens are made equally likely; after the first, the distance of the two has moved."""

    def distance(**members: object) -> float:
        said = target.chat(
            logit_bias={"65": 100, "66": 100},
            temperature=0,
            logprobs=True,
            top_logprobs=2,
            max_tokens=2,
            **members,
        )
        first, second = said.choices[0].logprobs.content
        found = {each.token: each.logprob for each in second.top_logprobs}
        other = next(token for token in letters(target) if token != first.token)
        return found[first.token] - found[other]

    assert distance() - distance(**{name: penalty}) == pytest.approx(penalty, abs=1e-3)


def test_an_effort_brings_reasoning(target) -> None:
    for effort, thinks in (("high", True), ("low", True), ("none", False), (openai.omit, False)):
        answer = target.chat("Why?", reasoning_effort=effort, response_format=YES, max_tokens=200)
        message, details = answer.choices[0].message, answer.usage.completion_tokens_details
        assert message.content == '"yes"'
        assert bool(getattr(message, "reasoning", None)) is thinks
        assert bool(details and details.reasoning_tokens) is thinks


def test_members_that_are_null_or_unknown_change_nothing(target) -> None:
    plain = text(target.chat("Tell me a story."))
    nulls = dict.fromkeys(
        ("temperature", "top_p", "n", "stop", "logit_bias", "response_format", "tools",
         "tool_choice", "stream_options", "user", "frequency_penalty", "logprobs"))  # fmt: skip
    extra = {"store": False, "service_tier": "auto", "metadata": {"a": "b"}, "x_unknown": [1]}
    assert text(target.chat("Tell me a story.", extra_body=nulls | extra)) == plain


def test_text_of_every_alphabet_arrives(target) -> None:
    answer = target.chat("Grüße, 世界, 👩‍👩‍👧, ע, \u0000, \u2028", max_tokens=40)
    json.dumps(text(answer)).encode("utf-8")
    assert "\ufffd" not in text(answer)
