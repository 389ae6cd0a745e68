// What the helper makes of each fault of a stream (`fault=kind`), as JSON. It `raises`; it `misleads`,
// where the pieces it told are not what it has in the end; or it notices `nothing`.

import OpenAI from 'openai';
import { baseURL, model, parameters, person } from './server.mjs';

const text = { format: { type: 'json_schema', name: 'person', schema: person, strict: true } };
const tools = ['get_weather', 'get_time'].map((name) => ({ type: 'function', name, parameters, strict: true }));
const KINDS = {
  text: { input: 'Ann.', text },
  calls: { input: 'Use get_time and then get_weather.', tools },
  summary: { input: 'Why?', text, reasoning: { effort: 'low', summary: 'auto' } },
};

async function heard(fault, kind) {
  const client = new OpenAI({ baseURL: baseURL.replace('/v1', `/fault/${fault}/v1`), apiKey: 'x', maxRetries: 0 });
  const told = {};
  try {
    const stream = client.responses.stream({ model, max_output_tokens: 200, ...KINDS[kind] });
    for (const type of ['response.output_text.delta', 'response.function_call_arguments.delta']) {
      stream.on(type, ({ output_index, snapshot }) => { told[output_index] = snapshot; });
    }
    const final = await stream.finalResponse();
    const calls = final.output.filter(({ type }) => type === 'function_call').map((item) => item.arguments);
    const kept = final.output_text ? [...calls, final.output_text] : calls;
    return `${Object.values(told).sort()}` === `${kept.sort()}` ? 'nothing' : 'misleads';
  } catch {
    return 'raises';
  }
}

const found = {};
for (const [fault, kind] of process.argv.slice(2).map((pair) => pair.split('='))) found[fault] = await heard(fault, kind);
console.log(JSON.stringify(found));
