"""Images by the official client."""

import base64
import io
import time

import openai
import pytest
from PIL import Image


def paint(target, **members: object) -> list[Image.Image]:
    made = target.client.images.generate(model=target.model, prompt="A red cat.", **members)
    assert abs(made.created - time.time()) < 60
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(e.b64_json, validate=True))) for e in made.data
    ]
    for picture in pictures:
        picture.load()
    return pictures


@pytest.mark.parametrize("size", [(256, 256), (64, 32), (1, 1)])
def test_a_picture_of_the_size_asked_for_comes(target, size: tuple[int, int]) -> None:
    (picture,) = paint(target, size=f"{size[0]}x{size[1]}", response_format="b64_json")
    assert picture.size == size


def test_a_picture_comes_when_no_size_is_asked_for(target) -> None:
    assert paint(target)[0].size == paint(target, size="auto")[0].size


def test_n_pictures_are_different(target) -> None:
    pictures = paint(target, n=3, size="32x32")
    assert len({picture.tobytes() for picture in pictures}) == 3


@pytest.mark.parametrize(
    "members",
    [{"size": "9999x9999"}, {"size": "big"}, {"n": 0}, {"n": 11}, {"response_format": "url"}],
    ids=str,
)
def test_what_is_not_painted_is_refused(target, members: dict) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        paint(target, **members)
    assert caught.value.param == next(iter(members))
