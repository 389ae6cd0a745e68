"""Embeddings by the official client, which asks for base64 unless told otherwise."""

import base64
import functools
import math
import struct
from collections.abc import Callable

import openai
import pytest

TEXTS = ["Hello, world.", "Good morning.", "Grüße 👋"]


@pytest.fixture
def embed(target, plain_client: openai.OpenAI) -> Callable[..., object]:
    """Embeddings of some input, as the client asks for them."""
    return functools.partial(plain_client.embeddings.create, model=target.embedder)


def vectors(answer: object) -> list:
    return [each.embedding for each in answer.data]


def test_an_answer_has_its_form(embed, target) -> None:
    answer = embed(input=TEXTS)
    assert (answer.object, answer.model) == ("list", target.embedder)
    assert [each.index for each in answer.data] == [0, 1, 2]
    assert len({len(vector) for vector in vectors(answer)}) == 1
    assert answer.usage.prompt_tokens == answer.usage.total_tokens > 3
    for vector in vectors(answer):
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)


def test_base64_and_numbers_are_the_same_bits(embed) -> None:
    by_default = vectors(embed(input=TEXTS))
    numbers = vectors(embed(input=TEXTS, encoding_format="float"))
    coded = vectors(embed(input=TEXTS, encoding_format="base64"))
    assert by_default == numbers
    for vector, text in zip(numbers, coded, strict=True):
        assert base64.b64decode(text, validate=True) == struct.pack(f"<{len(vector)}f", *vector)


def test_a_batch_is_its_texts(embed) -> None:
    alone = [vectors(embed(input=text))[0] for text in TEXTS]
    assert vectors(embed(input=TEXTS)) == alone
    assert len({tuple(vector) for vector in alone}) == 3


@pytest.mark.parametrize("width", [1, 7, 64])
def test_dimensions_cut_and_keep_the_length_of_one(embed, width: int) -> None:
    whole = vectors(embed(input=TEXTS))
    cut = vectors(embed(input=TEXTS, dimensions=width))
    for vector, start in zip(cut, whole, strict=True):
        assert len(vector) == width
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
        length = math.hypot(*start[:width])
        if length > 1e-6:
            assert vector == pytest.approx([each / length for each in start[:width]], abs=1e-5)


def test_more_dimensions_than_there_are_are_refused(embed) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        embed(input="x", dimensions=100_000)
    assert caught.value.param == "dimensions"


def test_tokens_are_an_input(embed) -> None:
    one = embed(input=[65, 66, 67])
    two = embed(input=[[65, 66, 67], [68]])
    assert vectors(two)[0] == vectors(one)[0]
    assert (one.usage.prompt_tokens, two.usage.prompt_tokens) == (3, 4)


@pytest.mark.parametrize(("given", "param"), [([], "input"), ([10**8], "input"), ([[]], "input")])
def test_what_is_no_input_is_refused(embed, given: object, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        embed(input=given)
    assert caught.value.param.startswith(param)


def test_an_unknown_format_is_refused(embed) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        embed(input="x", encoding_format="int8")
    assert caught.value.param == "encoding_format"
