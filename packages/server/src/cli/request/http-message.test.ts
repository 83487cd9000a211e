import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type HttpMessage, MessageError, parseMessage, printMessage } from './http-message.ts';

const name = fc.stringMatching(/^[A-Za-z-]{1,12}$/).map((text) => `X-${text}`);
const value = fc.stringMatching(/^(?:[!-~](?:[ -~]{0,12}[!-~])?)?$/);

test('what is printed is read back, whatever the body', () => {
  const message = fc.record({
    method: fc.constantFrom('POST', 'GET', 'DELETE'),
    target: fc.webPath().map((path) => path || '/'),
    headers: fc.array(fc.record({ name, value }), { maxLength: 5 }),
    body: fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(message, (one: HttpMessage) => {
      expect(parseMessage(printMessage(one))).toEqual(one);
    }),
  );
});

test('line ends of editors are taken, and of the body what Content-Length says', () => {
  const text = 'POST /a?b HTTP/1.1\nHost: x\ncontent-length:  2 \n\nhi\n';
  expect(parseMessage(Buffer.from(text))).toEqual({
    method: 'POST',
    target: '/a?b',
    headers: [
      { name: 'Host', value: 'x' },
      { name: 'content-length', value: '2' },
    ],
    body: Buffer.from('hi'),
  });
});

test('a request without a body, and without the empty line', () => {
  expect(parseMessage(Buffer.from('GET / HTTP/1.1\nA: b\n')).body).toHaveLength(0);
});

test.each([
  ['{"type":"a"}', /give its headers with --header/],
  ['', /does not begin with a request line/],
  ['POST / HTTP/1.1\nno header\n\n', /"no header" is not a header/],
  ['POST / HTTP/1.1\nContent-Length: 9\n\nhi', /has 2 bytes, but Content-Length says 9/],
])('refuses %j', (text, message) => {
  expect(() => parseMessage(Buffer.from(text))).toThrow(message);
  expect(() => parseMessage(Buffer.from(text))).toThrow(MessageError);
});
