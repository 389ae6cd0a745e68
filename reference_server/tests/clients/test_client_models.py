"""Models by the official client."""

import openai
import pytest


def test_lists_and_retrieves_ids_with_slash_and_colon(client: openai.OpenAI) -> None:
    listed = client.models.list().data
    assert "library/copy:1b" in [model.id for model in listed]
    assert [client.models.retrieve(model.id) for model in listed] == listed


def test_pages_of_models_can_be_walked(client: openai.OpenAI) -> None:
    walked = [model.id for model in client.models.list()]
    assert len(set(walked)) == len(walked) >= 2


def test_an_alias_answers_under_its_own_name(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Say hello."}]
    answer = client.chat.completions.create(
        model="library/copy:1b", messages=messages, max_tokens=4
    )
    assert answer.model == "library/copy:1b"


@pytest.mark.parametrize("name", ["none", "library/copy:2b", "library/", "ä b"])
def test_a_model_that_is_not_there_is_not_found(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(name)
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
