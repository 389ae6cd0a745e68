"""Chat streams by the official client: what a stream says is what a plain answer says."""

import openai
import pytest

USAGE = {"include_usage": True}


def streamed(target, asked: str = "Tell me a story.", **members: object) -> list:
    with target.chat(asked, stream=True, **members) as stream:
        return list(stream)


def said(chunks: list, choice: int = 0) -> str:
    deltas = [each.delta for chunk in chunks for each in chunk.choices if each.index == choice]
    return "".join(delta.content or "" for delta in deltas)


@pytest.mark.parametrize("seed", range(3))
def test_stream_and_plain_answer_agree(target, seed: int) -> None:
    members = {"seed": seed, "max_tokens": 40, "temperature": 1.2}
    plain = target.chat("Tell me a story.", **members)
    chunks = streamed(target, **members)
    assert said(chunks) == plain.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == plain.choices[0].finish_reason


def test_a_stream_has_its_form(target) -> None:
    chunks = streamed(target)
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason is None for c in chunks] == [True] * (len(chunks) - 1) + [
        False
    ]
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_when_asked(target) -> None:
    chunks = streamed(target, stream_options=USAGE)
    plain = target.chat("Tell me a story.")
    assert chunks[-1].choices == []
    assert chunks[-1].usage == plain.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_choices_are_interleaved_and_whole(target) -> None:
    members = {"n": 3, "temperature": 1.5}
    chunks, plain = streamed(target, **members), target.chat("Tell me a story.", **members)
    assert [said(chunks, n) for n in range(3)] == [c.message.content for c in plain.choices]
    ends = [c.index for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert sorted(ends) == [0, 1, 2]


def test_a_stop_string_that_straddles_chunks_is_found(target) -> None:
    pieces = [c.choices[0].delta.content or "" for c in streamed(target) if c.choices]
    words = [piece for piece in pieces if piece]
    at = next(
        n
        for n in range(3, len(words) - 1)
        if words[n][-1] + words[n + 1][0] not in "".join(words[: n + 1])
    )
    stop = words[at][-1] + words[at + 1][0]
    chunks = streamed(target, stop=stop)
    assert said(chunks) == "".join(words[: at + 1])[:-1]
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_text_held_back_for_a_stop_string_is_not_lost(target) -> None:
    whole = said(streamed(target))
    assert said(streamed(target, stop=[f"{whole[-1]}\x00", f"{whole[3:6]}\x01"])) == whole


def test_probabilities_of_stream_and_plain_answer_agree(target) -> None:
    members = {"logprobs": True, "top_logprobs": 2}
    plain = target.chat("Tell me a story.", **members).choices[0].logprobs.content
    chunks = streamed(target, **members)
    found = [t for c in chunks if c.choices[0].logprobs for t in c.choices[0].logprobs.content]
    assert found == plain


def test_reasoning_is_streamed_before_the_answer(target) -> None:
    chunks = streamed(target, reasoning_effort="low", max_tokens=60, stream_options=USAGE)
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    kinds = ["reasoning" if getattr(d, "reasoning", None) else "content" for d in deltas
             if getattr(d, "reasoning", None) or d.content]  # fmt: skip
    assert kinds == sorted(kinds, reverse=True)
    assert set(kinds) == {"reasoning", "content"}
    assert chunks[-1].usage.completion_tokens_details.reasoning_tokens > 0


def test_the_helper_folds_the_stream(target) -> None:
    members = {
        "logprobs": True,
        "stop": target.chat("Tell me a story.").choices[0].message.content[9:12],
    }
    plain = target.chat("Tell me a story.", **members)
    messages = [{"role": "user", "content": "Tell me a story."}]
    with target.client.chat.completions.stream(
        model=target.model, messages=messages, seed=7, stream_options=USAGE, **members
    ) as stream:
        kinds = {event.type for event in stream}
        folded = stream.get_final_completion()
    assert folded.choices[0].message.content == plain.choices[0].message.content
    assert folded.choices[0].logprobs.content == plain.choices[0].logprobs.content
    assert folded.usage == plain.usage
    assert kinds >= {"chunk", "content.delta", "content.done", "logprobs.content.delta"}


def test_the_helper_tells_of_an_answer_that_was_cut(target) -> None:
    messages = [{"role": "user", "content": "Tell me a story."}]
    with target.client.chat.completions.stream(
        model=target.model, messages=messages, max_tokens=4
    ) as stream:
        stream.until_done()
        with pytest.raises(openai.LengthFinishReasonError):
            stream.get_final_completion()
