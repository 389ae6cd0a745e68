// Errors: each status is its class, and a server that is full is asked again when it said so.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { baseURL, client, model, say } from './server.mjs';

const ask = (more, options) =>
  client.chat.completions.create({ model, messages: say('Hello'), max_tokens: 4, ...more }, options);

const failure = async (promise) => {
  const error = await promise.then(() => assert.fail('nothing was refused'), (reason) => reason);
  assert.ok(error instanceof OpenAI.APIError, String(error));
  return error;
};

for (const stream of [false, true]) {
  test(`400 names what is wrong, stream: ${stream}`, async () => {
    const error = await failure(ask({ temperature: 9, stream }));
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.deepEqual([error.param, error.type], ['temperature', 'invalid_request_error']);
  });
}

test('404 for models and paths', async () => {
  const error = await failure(ask({ model: 'none' }));
  assert.ok(error instanceof OpenAI.NotFoundError);
  assert.equal(error.code, 'model_not_found');
  assert.ok((await failure(client.models.retrieve('none/x:1'))) instanceof OpenAI.NotFoundError);
  assert.ok((await failure(client.files.retrieve('x'))) instanceof OpenAI.NotFoundError);
});

test('405 for methods', async () => {
  assert.equal((await failure(client.delete('/models'))).status, 405);
});

for (const size of [17, 40]) {
  test(`413 for a body of ${size} MiB`, async () => {
    for (let n = 0; n < 3; n += 1) {
      const error = await failure(ask({ messages: say('x'.repeat(size * 2 ** 20)) }));
      assert.equal(error.status, 413);
    }
  });
}

test('415 for bodies of another kind', async () => {
  const error = await failure(ask({}, { headers: { 'Content-Type': 'text/plain' } }));
  assert.equal(error.status, 415);
});

test('503 is tried again after the time that was said', async () => {
  const schema = { type: 'string', minLength: 1500, maxLength: 1500 };
  const response_format = { type: 'json_schema', json_schema: { name: 'x', schema } };
  const stream = await ask({ stream: true, n: 24, max_tokens: 1500, response_format });
  const health = `${baseURL.replace(/\/v1$/, '')}/health`;
  while ((await (await fetch(health)).json()).sequences < 24);
  const error = await failure(ask({}));
  assert.ok(error instanceof OpenAI.InternalServerError);
  assert.deepEqual([error.status, error.type], [503, 'overloaded_error']);
  const begin = performance.now();
  setTimeout(() => stream.controller.abort(), 300);
  const answer = await ask({}, { maxRetries: 2 });
  assert.ok(performance.now() - begin >= 1000 * Number(error.headers.get('retry-after')));
  assert.ok(answer.choices[0].finish_reason);
});
