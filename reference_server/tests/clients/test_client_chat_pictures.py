"""Pictures in messages by the official client: data URIs are read, everything else is refused."""

import base64

import openai
import pytest

PNG = b"\x89PNG\r\n\x1a\n"


def show(target, url: str, **more: object) -> object:
    parts = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": url, **more}},
    ]
    return target.chat(messages=[{"role": "user", "content": parts}], max_tokens=4)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "gif"])
def test_pictures_of_each_kind_are_read(target, picture, kind: str) -> None:
    with_picture = show(target, picture(kind)).usage.prompt_tokens
    without = target.chat("What is this?", max_tokens=4).usage.prompt_tokens
    assert with_picture > without


@pytest.mark.parametrize("detail", ["auto", "low", "high"])
def test_detail_is_accepted(target, picture, detail: str) -> None:
    assert show(target, picture(), detail=detail).choices[0].finish_reason


def test_several_pictures_are_read(target, picture) -> None:
    parts = [
        {"type": "image_url", "image_url": {"url": picture(colour=c)}} for c in ("red", "blue")
    ]
    both = target.chat(messages=[{"role": "user", "content": parts}], max_tokens=1)
    one = target.chat(messages=[{"role": "user", "content": parts[:1]}], max_tokens=1)
    assert both.usage.prompt_tokens > one.usage.prompt_tokens + 5


def uri(data: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


REFUSED = {
    "http": "http://127.0.0.1/x.png",
    "https": "https://127.0.0.1/x.png",
    "file": "file:///etc/hostname",
    "nothing": "",
    "no base64": "data:image/png;base64,%%%",
    "no picture": uri(b"hello"),
    "cut": uri(PNG),
    "other kind": uri(b"<svg/>", "svg+xml"),
    "no kind": "data:;base64,AAAA",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_picture_is_refused(target, name: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        show(target, REFUSED[name])
    assert caught.value.param == "messages[0].content[1].image_url.url"


def test_damaged_pictures_are_refused(target, picture) -> None:
    for kind in ("png", "jpeg", "webp", "gif"):
        whole = base64.b64decode(picture(kind, size=(64, 64)).partition(",")[2])
        with pytest.raises(openai.BadRequestError, match="does not decode"):
            show(target, uri(whole[: len(whole) // 2], kind))


def test_a_picture_under_another_name_is_refused(target, picture) -> None:
    with pytest.raises(openai.BadRequestError, match="does not decode"):
        show(target, picture("png").replace("image/png", "image/jpeg"))
