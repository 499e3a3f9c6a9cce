import { expect, it } from 'vitest';
import { MALFORMED_META_KEY, readMessage } from './message.ts';

const read = (message: unknown) =>
  readMessage(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)));
const request = (more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'activity' },
  ...more,
});

it.each([
  request(),
  request({ id: 'a'.repeat(256) }),
  request({ id: -1 }),
  request({ params: undefined }),
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  { jsonrpc: '2.0', id: 1, result: {} },
  { jsonrpc: '2.0', id: 1, error: { code: 1, message: 'x' } },
])('takes %j', (message) => {
  expect(read(message)).toEqual({ message: JSON.parse(JSON.stringify(message)) });
});

it.each([
  [[request()], -32600, null],
  ['[]', -32600, null],
  ['null', -32600, null],
  ['7', -32600, null],
  ['"x"', -32600, null],
  ['{}', -32600, null],
  [request({ jsonrpc: '1.0' }), -32600, 1],
  [request({ id: null }), -32600, null],
  [request({ id: 1.5 }), -32600, null],
  [request({ id: {} }), -32600, null],
  [request({ id: [1] }), -32600, null],
  [request({ id: true }), -32600, null],
  [request({ id: 'a'.repeat(257) }), -32600, null],
  ['{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}', -32600, null],
  [request({ method: 7 }), -32600, 1],
  [request({ params: [1] }), -32600, 1],
  [request({ params: { _meta: 1 } }), -32600, 1],
  [request({ params: { _meta: { progressToken: {} } } }), -32600, 1],
  ['{"jsonrpc":"2.0","method":"notifications/cancelled","params":[]}', -32600, null],
  ['{"jsonrpc":"2.0"', -32700, null],
  ['\u0000', -32700, null],
])('refuses %j', (message, code, id) => {
  expect(read(message)).toEqual({ refusal: { code, id, reason: expect.any(String) } });
});

it('refuses bytes that are not UTF-8, also in the middle', () => {
  const bytes = Buffer.from(JSON.stringify(request()));
  bytes[40] = 0xff;
  expect(readMessage(bytes)).toMatchObject({ refusal: { code: -32700, reason: 'The message is not UTF-8.' } });
  expect(readMessage(Buffer.from('"\u{1f600}"').subarray(0, 4))).toMatchObject({ refusal: { code: -32700 } });
});

it('hands a tool call on whose arguments have a key twice, and says so', () => {
  const reading = read(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":{"limit":1,"limit":2}}}}',
  );
  expect(reading).toMatchObject({
    message: { params: { name: 'a', _meta: { [MALFORMED_META_KEY]: 'Invalid arguments: "x.limit" is given twice.' } } },
  });
});

it.each([
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"tools/list"}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{},"arguments":{}}}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"arguments":{"a":1,"a":1},"name":"a","name":"b"}}',
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"x":1,"x":2}}}',
  '{"jsonrpc":"2.0","id":1,"method":"prompts/get","params":{"name":"a","arguments":{"x":"1","x":"2"}}}',
])('refuses a key that stands twice elsewhere: %s', (text) => {
  expect(read(text)).toMatchObject({ refusal: { code: -32600, id: 1, reason: 'A key is given twice.' } });
});

it('does not say which of two ids is meant', () => {
  expect(read('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}')).toMatchObject({
    refusal: { code: -32600, id: null },
  });
});

it('takes out what a client writes where the transport speaks', () => {
  const message = request({ params: { name: 'a', _meta: { [MALFORMED_META_KEY]: 'forged', progressToken: 1 } } });
  expect(read(message)).toMatchObject({ message: { params: { _meta: { progressToken: 1 } } } });
  expect(JSON.stringify(read(message))).not.toContain('forged');
});

it('repeats nothing of a message that it refuses', () => {
  const marker = 'correct-horse';
  for (const text of [`{"${marker}":`, `{"${marker}":1,"${marker}":2}`, `["${marker}"]`, `{"id":{"${marker}":1}}`]) {
    expect(JSON.stringify(read(text))).not.toContain(marker);
  }
});
