"""The asynchronous client: every operation, all of them at once."""

import asyncio
from collections.abc import Awaitable, Callable

import openai
import pytest
from pydantic import BaseModel, Field

HELLO = [{"role": "user", "content": "Hello"}]


class Person(BaseModel):
    age: int = Field(ge=0, le=150)


def run(
    target, ask: Callable[[openai.AsyncOpenAI], Awaitable[object]], **options: object
) -> object:
    async def all_() -> object:
        given = {"max_retries": 0} | options
        async with openai.AsyncOpenAI(base_url=target.url, api_key="x", **given) as client:
            return await ask(client)

    return asyncio.run(all_())


def test_plain_answers_of_both_clients_agree(target) -> None:
    async def ask(client: openai.AsyncOpenAI) -> list:
        chat = {"model": target.model, "messages": HELLO, "seed": 7, "max_tokens": 16}
        return await asyncio.gather(
            client.models.list(),
            client.models.retrieve(target.model),
            client.chat.completions.create(**chat),
            client.completions.create(model=target.model, prompt="Hello", seed=7, max_tokens=16),
            client.embeddings.create(model=target.embedder, input="Hello"),
            client.images.generate(model=target.model, prompt="Hello", size="16x16"),
            client.responses.create(model=target.model, input="Hello", max_output_tokens=16),
        )

    models, model, chat, completion, vector, image, response = run(target, ask)
    assert model in models.data
    assert chat.choices == target.chat("Hello").choices
    assert completion.choices == target.complete("Hello").choices
    assert len(vector.data[0].embedding) > 1
    assert image.data[0].b64_json
    assert response.output_text


def test_streams_of_both_clients_agree(target) -> None:
    async def ask(client: openai.AsyncOpenAI) -> str:
        said = ""
        async with await client.chat.completions.create(
            model=target.model, messages=HELLO, seed=7, max_tokens=16, stream=True
        ) as stream:
            async for chunk in stream:
                said += chunk.choices[0].delta.content or ""
        return said

    assert run(target, ask) == target.chat("Hello").choices[0].message.content


def test_helpers_work(target) -> None:
    async def ask(client: openai.AsyncOpenAI) -> list:
        async with client.chat.completions.stream(
            model=target.model, messages=HELLO, response_format=Person
        ) as chat:
            completion = await chat.get_final_completion()
        async with client.responses.stream(
            model=target.model, input="Hello", text_format=Person
        ) as events:
            response = await events.get_final_response()
        parsed = await client.chat.completions.parse(
            model=target.model, messages=HELLO, response_format=Person
        )
        return [completion.choices[0].message.parsed, response.output_parsed,
                parsed.choices[0].message.parsed]  # fmt: skip

    assert [type(each) for each in run(target, ask)] == [Person] * 3


def test_many_at_once_get_each_their_own_answer(target) -> None:
    async def ask(client: openai.AsyncOpenAI) -> list:
        asks = [
            client.chat.completions.create(
                model=target.model,
                messages=HELLO,
                response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": {
                    "const": f"answer {number}"}}},
            )
            for number in range(20)
        ]  # fmt: skip
        return await asyncio.gather(*asks)

    said = [answer.choices[0].message.content for answer in run(target, ask)]
    assert said == [f'"answer {number}"' for number in range(20)]


def test_errors_have_their_classes(target) -> None:
    async def ask(client: openai.AsyncOpenAI) -> None:
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("none")
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(model=target.model, messages=[])
        with pytest.raises(openai.APIStatusError, match="413"):
            await client.embeddings.create(model=target.embedder, input="x" * 2**25)

    run(target, ask)


def test_an_answer_that_is_given_up_frees_its_place(target) -> None:
    schema = {"type": "string", "minLength": 1500, "maxLength": 1500}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}

    async def ask(client: openai.AsyncOpenAI) -> int:
        given = {"model": target.model, "messages": HELLO, "response_format": wanted}
        work = asyncio.create_task(client.chat.completions.create(**given, n=4, max_tokens=1500))
        seen = []
        while 4 not in seen:
            await asyncio.sleep(0.02)
            seen.append(target.sequences())
        work.cancel()
        await asyncio.sleep(1)
        return target.sequences()

    assert run(target, ask) == 0
