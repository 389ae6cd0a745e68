// Chat: plain answers, streams, the helpers for both, tools and formats.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standardResponseFormat } from 'openai/helpers/standard-schema';
import { all, client, model, parameters, person, say } from './server.mjs';

const given = { model, messages: say('Tell me a story.'), max_tokens: 16, seed: 7 };
const tool = (name) => ({ type: 'function', function: { name, parameters } });
const tools = [tool('get_weather'), tool('get_time')];
const both = say('Use get_time and then get_weather for Paris.');
const response_format = { type: 'json_schema', json_schema: { name: 'person', schema: person, strict: true } };

const isPerson = ({ married, age }) => typeof married === 'boolean' && Number.isInteger(age);

test('a stream says what a plain answer says', async () => {
  const plain = await client.chat.completions.create({ ...given, n: 2, logprobs: true });
  const stream_options = { include_usage: true };
  const chunks = await all(
    await client.chat.completions.create({ ...given, n: 2, logprobs: true, stream: true, stream_options }),
  );
  assert.equal(new Set(chunks.map(({ id, created }) => `${id} ${created}`)).size, 1);
  for (const { index, message, finish_reason, logprobs } of plain.choices) {
    const mine = chunks.flatMap(({ choices }) => choices).filter((each) => each.index === index);
    assert.equal(mine.map(({ delta }) => delta.content ?? '').join(''), message.content);
    assert.equal(mine.at(-1).finish_reason, finish_reason);
    assert.deepEqual(mine.flatMap((each) => each.logprobs?.content ?? []), logprobs.content);
  }
  assert.deepEqual(chunks.at(-1).usage, plain.usage);
});

test('the stream helper folds the stream and tells its events', async () => {
  const plain = await client.chat.completions.create(given);
  const content = plain.choices[0].message.content;
  const stop = content.slice(9, 12);
  const events = [];
  const stream = client.chat.completions
    .stream({ ...given, stop })
    .on('content', (delta, snapshot) => events.push([delta, snapshot]));
  assert.equal(await stream.finalContent(), content.slice(0, content.indexOf(stop)));
  assert.equal(events.map(([delta]) => delta).join(''), events.at(-1)[1]);
  assert.equal((await stream.finalChatCompletion()).choices[0].finish_reason, 'stop');
});

test('a stream that is broken off leaves the server as it was', async () => {
  const stream = await client.chat.completions.create({ ...given, stream: true });
  for await (const _ of stream) break;
  assert.ok((await client.chat.completions.create(given)).choices[0].message.content);
});

test('tools are called as told, in parallel or not at all', async () => {
  const ask = async (more) => {
    const answer = await client.chat.completions.create({ model, messages: both, tools, seed: 7, ...more });
    const calls = answer.choices[0].message.tool_calls ?? [];
    for (const call of calls) assert.deepEqual(Object.keys(JSON.parse(call.function.arguments)), ['city']);
    return calls.map((call) => call.function.name);
  };
  assert.deepEqual(await ask({}), ['get_time', 'get_weather']);
  assert.equal((await ask({ parallel_tool_calls: false })).length, 1);
  assert.equal((await ask({ tool_choice: 'required' })).length, 2);
  assert.deepEqual(await ask({ tool_choice: tool('get_weather') }), ['get_weather']);
  assert.deepEqual(await ask({ tool_choice: 'none', max_tokens: 8 }), []);
});

for (const stream of [false, true]) {
  test(`runTools goes through calls and results, stream: ${stream}`, async () => {
    const called = [];
    const runnable = (name) => ({
      type: 'function',
      function: {
        name,
        parameters,
        description: 'A tool.',
        parse: JSON.parse,
        function: ({ city }) => {
          called.push(name);
          return `${name} of ${city}: fine`;
        },
      },
    });
    const runner = client.chat.completions.runTools({
      model,
      messages: both,
      tools: [runnable('get_weather'), runnable('get_time')],
      seed: 7,
      stream,
    });
    assert.ok(await runner.finalContent());
    assert.deepEqual(called, ['get_time', 'get_weather']);
    const roles = runner.messages.map(({ role }) => role);
    assert.deepEqual(roles, ['user', 'assistant', 'tool', 'tool', 'assistant']);
  });
}

test('parse reads what the schema asks for, plain and streamed', async () => {
  const asked = { model, messages: say('Ann.'), response_format, seed: 7 };
  const plain = await client.chat.completions.parse(asked);
  assert.ok(isPerson(plain.choices[0].message.parsed));
  const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
  assert.deepEqual(streamed.choices[0].message.parsed, plain.choices[0].message.parsed);
});

test('parse reads by a standard schema, without any library for it', async () => {
  const standard = {
    '~standard': {
      version: 1,
      vendor: 'none',
      validate: (value) => (isPerson(value) ? { value } : { issues: [{ message: 'no person' }] }),
    },
  };
  const answer = await client.chat.completions.parse({
    model,
    messages: say('Ann.'),
    response_format: standardResponseFormat(standard, 'person', { schema: person }),
  });
  assert.ok(isPerson(answer.choices[0].message.parsed));
});

test('JSON mode gives an object', async () => {
  const answer = await client.chat.completions.create({
    model,
    messages: say('Ann as JSON.'),
    response_format: { type: 'json_object' },
  });
  assert.equal(typeof JSON.parse(answer.choices[0].message.content), 'object');
});
