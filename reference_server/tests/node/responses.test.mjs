// Responses: plain, streamed, the helpers for both, and turns that go on from others.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, client, model, parameters, person } from './server.mjs';

const tools = ['get_weather', 'get_time'].map((name) => ({ type: 'function', name, parameters, strict: true }));
const both = 'Use get_time and then get_weather.';
const text = { format: { type: 'json_schema', name: 'person', schema: person, strict: true } };
const reasoning = { effort: 'low', summary: 'auto' };

test('a response has its text and goes on from another one', async () => {
  const first = await client.responses.create({ model, input: 'My name is Ann.', max_output_tokens: 16 });
  assert.ok(first.output_text);
  assert.equal(first.output_text, first.output[0].content[0].text);
  const later = { model, input: 'My name?', max_output_tokens: 16 };
  const second = await client.responses.create({ ...later, previous_response_id: first.id });
  const alone = await client.responses.create(later);
  assert.ok(second.usage.input_tokens > alone.usage.input_tokens);
});

test('calls and their results go through later turns', async () => {
  const input = [{ role: 'user', content: both }];
  const first = await client.responses.create({ model, input, tools });
  assert.deepEqual(first.output.map(({ name }) => name), ['get_time', 'get_weather']);
  const results = first.output.map(({ call_id }) => ({ type: 'function_call_output', call_id, output: 'Fine.' }));
  const second = await client.responses.create({
    model,
    input: [...input, ...first.output, ...results],
    tools,
    max_output_tokens: 16,
  });
  assert.deepEqual(second.output.map(({ type }) => type), ['message']);
});

for (const [name, more, kinds] of [
  ['text', { text }, ['message']],
  ['reasoning', { text, reasoning }, ['reasoning', 'message']],
  ['calls', { tools }, ['function_call', 'function_call']],
  ['reasoning and calls', { tools, reasoning }, ['reasoning', 'function_call', 'function_call']],
]) {
  test(`the events of a stream are in order: ${name}`, async () => {
    const events = await all(await client.responses.create({ model, input: both, stream: true, ...more }));
    assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
    assert.equal(events[0].type, 'response.created');
    assert.equal(events.at(-1).type, 'response.completed');
    const output = events.at(-1).response.output;
    assert.deepEqual(output.map(({ type }) => type), kinds);
    const done = events.filter(({ type }) => type === 'response.output_item.done');
    assert.deepEqual(done.map(({ item }) => item), output);
  });

  test(`the stream helper folds it: ${name}`, async () => {
    const stream = client.responses.stream({ model, input: both, ...more });
    const final = await stream.finalResponse();
    assert.deepEqual(final.output.map(({ type }) => type), kinds);
    if (kinds.includes('message')) assert.equal(typeof final.output_parsed.married, 'boolean');
  });
}

test('a stream that the limit cuts is incomplete', async () => {
  const input = 'Tell me a very long story.';
  const events = await all(await client.responses.create({ model, input, stream: true, max_output_tokens: 16 }));
  assert.equal(events.at(-1).type, 'response.incomplete');
  assert.equal(events.at(-1).response.incomplete_details.reason, 'max_output_tokens');
});

test('parse reads what the schema asks for', async () => {
  const { output_parsed } = await client.responses.parse({ model, input: 'Ann.', text });
  assert.deepEqual(Object.keys(output_parsed).sort(), ['age', 'married']);
});
