// Models, completions, embeddings and images.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { all, client, embedder, model } from './server.mjs';

test('models are listed, walked and retrieved, ids with slash and colon too', async () => {
  const { data } = await client.models.list();
  assert.ok(data.some(({ id }) => id === 'library/copy:1b'));
  assert.deepEqual(await all(client.models.list()), data);
  for (const listed of data) {
    const { _request_id, ...one } = await client.models.retrieve(listed.id);
    assert.deepEqual(one, listed);
  }
});

test('completions answer texts and tokens, and streams say the same', async () => {
  const given = { model, prompt: ['One', 'Two'], max_tokens: 8, seed: 7, logprobs: 1 };
  const plain = await client.completions.create(given);
  assert.deepEqual(plain.choices.map(({ index }) => index), [0, 1]);
  const stream_options = { include_usage: true };
  const chunks = await all(await client.completions.create({ ...given, stream: true, stream_options }));
  for (const { index, text } of plain.choices) {
    const mine = chunks.flatMap(({ choices }) => choices).filter((each) => each.index === index);
    assert.equal(mine.map((each) => each.text).join(''), text);
  }
  assert.deepEqual(chunks.at(-1).usage, plain.usage);
  const tokens = await client.completions.create({ model, prompt: [65, 66, 67], max_tokens: 1 });
  assert.equal(tokens.usage.prompt_tokens, 3);
});

test('embeddings are asked for in base64 and are the same numbers', async () => {
  const input = ['Hello, world.', 'Grüße 👋'];
  const usual = await client.embeddings.create({ model: embedder, input });
  const numbers = await client.embeddings.create({ model: embedder, input, encoding_format: 'float' });
  assert.deepEqual(usual.data, numbers.data);
  const coded = await client.embeddings.create({ model: embedder, input, encoding_format: 'base64' });
  const bytes = Buffer.from(coded.data[0].embedding, 'base64');
  assert.equal(bytes.length, 4 * numbers.data[0].embedding.length);
  assert.ok(numbers.data[0].embedding.every((each, n) => bytes.readFloatLE(4 * n) === each));
  const cut = await client.embeddings.create({ model: embedder, input, dimensions: 8 });
  assert.ok(Math.abs(Math.hypot(...cut.data[1].embedding) - 1) < 1e-5);
  assert.equal(cut.data[1].embedding.length, 8);
});

test('images come as PNG of the size asked for', async () => {
  const { data } = await client.images.generate({ model, prompt: 'A cat.', size: '48x32', n: 2 });
  assert.equal(data.length, 2);
  const picture = Buffer.from(data[0].b64_json, 'base64');
  assert.equal(picture.toString('latin1', 1, 4), 'PNG');
  assert.deepEqual([picture.readUInt32BE(16), picture.readUInt32BE(20)], [48, 32]);
});
