// The server under test and a client of it; names come from the environment.

import OpenAI from 'openai';

export const { BASE_URL: baseURL, MODEL: model, EMBEDDER: embedder } = process.env;
export const client = new OpenAI({ baseURL, apiKey: 'x', maxRetries: 0, timeout: 120_000 });

export const say = (content) => [{ role: 'user', content }];

export const person = {
  type: 'object',
  properties: { married: { type: 'boolean' }, age: { type: 'integer', minimum: 0, maximum: 150 } },
  required: ['married', 'age'],
  additionalProperties: false,
};

export const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};

export async function all(stream) {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
}
