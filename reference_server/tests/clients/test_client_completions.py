"""Completions by the official client: prompts of every form, and the older probabilities."""

import itertools

import openai
import pytest


def texts(answer: object) -> list[str]:
    return [choice.text for choice in answer.choices]


def tokens(target, text: str) -> int:
    return target.complete(text, max_tokens=1).usage.prompt_tokens


def test_a_completion_has_its_form(target) -> None:
    answer = target.complete()
    assert answer.id.startswith("cmpl-")
    assert (answer.model, answer.object) == (target.model, "text_completion")
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_list_of_prompts_is_answered_in_order(target) -> None:
    prompts = ["Once upon a time", "1 2 3 4", "Hello"]
    answer = target.complete(prompts, temperature=0)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert texts(answer) == [texts(target.complete(p, temperature=0))[0] for p in prompts]
    assert answer.usage.prompt_tokens == sum(tokens(target, p) for p in prompts)


def test_tokens_are_a_prompt(target) -> None:
    text = texts(target.complete([65, 66, 67], echo=True, max_tokens=0))[0]
    by_tokens, by_text = target.complete([65, 66, 67]), target.complete([[65, 66, 67], [66]])
    assert texts(by_tokens)[0] == texts(by_text)[0]
    assert by_tokens.usage.prompt_tokens == 3
    assert by_text.usage.prompt_tokens == 4
    assert texts(target.complete(text, echo=True, max_tokens=0)) == [text]


def test_tokens_that_are_none_are_refused(target) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        target.complete([10**8])
    assert caught.value.param == "prompt"


def test_n_comes_for_each_prompt(target) -> None:
    answer = target.complete(["One", "Two"], n=2, temperature=1.5)
    assert [choice.index for choice in answer.choices] == [0, 1, 2, 3]
    assert texts(answer)[:2] == texts(target.complete("One", n=2, temperature=1.5))
    assert answer.usage.prompt_tokens == tokens(target, "One") + tokens(target, "Two")
    assert target.complete("One", n=2, best_of=2, temperature=1.5).choices == answer.choices[:2]


def test_the_text_that_is_to_follow_is_read(target) -> None:
    with_suffix = target.complete("def f(", suffix="return 1", max_tokens=4)
    assert with_suffix.usage.prompt_tokens > tokens(target, "def f(") + 1


def test_echo_puts_the_prompt_first(target) -> None:
    plain = target.complete("Once upon a time")
    echoed = target.complete("Once upon a time", echo=True)
    assert texts(echoed)[0] == "Once upon a time" + texts(plain)[0]
    assert echoed.usage == plain.usage
    nothing = target.complete("Once upon a time", echo=True, max_tokens=0)
    assert texts(nothing) == ["Once upon a time"]
    assert nothing.choices[0].finish_reason == "length"


@pytest.mark.parametrize("top", [0, 3])
def test_probabilities_are_four_lists(target, top: int) -> None:
    answer = target.complete(logprobs=top, temperature=0)
    found = answer.choices[0].logprobs
    assert "".join(found.tokens) == texts(answer)[0]
    assert len(found.tokens) == len(found.token_logprobs) == len(found.top_logprobs)
    starts = itertools.accumulate((len(token) for token in found.tokens[:-1]), initial=0)
    assert found.text_offset == list(starts)
    for token, logprob, likely in zip(
        found.tokens, found.token_logprobs, found.top_logprobs, strict=True
    ):
        assert len(likely) <= top
        assert not top or likely[token] == logprob


def test_probabilities_of_the_prompt_come_with_echo(target, plain_client: openai.OpenAI) -> None:
    answer = plain_client.completions.create(
        model=target.model, prompt="Once upon a time", echo=True, logprobs=1, max_tokens=4
    )
    found = answer.choices[0].logprobs
    assert "".join(found.tokens) == texts(answer)[0]
    assert (found.token_logprobs[0], found.top_logprobs[0]) == (None, None)
    assert all(value <= 0 for value in found.token_logprobs[1:])
    assert [texts(answer)[0][at:].startswith(token) for at, token in
            zip(found.text_offset, found.tokens, strict=True)] == [True] * len(found.tokens)  # fmt: skip


@pytest.mark.parametrize("prompt", ["Once upon a time", ["One", "Two"], [[65], [66, 67]]])
def test_stream_and_plain_answer_agree(target, plain_client: openai.OpenAI, prompt: object) -> None:
    members = {"n": 2, "temperature": 1.2, "logprobs": 1, "max_tokens": 8}
    plain = target.complete(prompt, **members)
    given = {"model": target.model, "prompt": prompt, "seed": 7, **members}
    options = {"include_usage": True}
    with plain_client.completions.create(stream=True, stream_options=options, **given) as stream:
        chunks = list(stream)
    assert len({(chunk.id, chunk.created) for chunk in chunks}) == 1
    assert (chunks[-1].choices, chunks[-1].usage) == ([], plain.usage)
    for choice in plain.choices:
        mine = [each for chunk in chunks for each in chunk.choices if each.index == choice.index]
        assert "".join(each.text for each in mine) == choice.text
        assert [each.finish_reason for each in mine if each.finish_reason] == [choice.finish_reason]
        for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset"):
            pieces = [getattr(each.logprobs, name) for each in mine if each.logprobs]
            assert list(itertools.chain(*pieces)) == getattr(choice.logprobs, name)


def test_a_stop_string_cuts(target) -> None:
    whole = texts(target.complete())[0]
    answer = target.complete(stop=[whole[5:8]])
    assert texts(answer)[0] == whole[: whole.index(whole[5:8])]
    assert answer.choices[0].finish_reason == "stop"


def test_echo_is_not_searched_for_stop_strings(target) -> None:
    answer = target.complete("Once upon a time", echo=True, stop=["upon"])
    assert texts(answer)[0].startswith("Once upon a time")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "prompt"),
        ({"logprobs": 6}, "logprobs"),
        ({"best_of": 2}, "best_of"),
        ({"prompt": ["x"] * 65, "n": 2}, "prompt"),
    ],
)
def test_what_is_out_of_bounds_is_refused(target, members: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        target.complete(**members)
    assert caught.value.param == param
