import { describe, expect, test } from 'vitest';
import {
  type CustomFormat,
  type CustomSignature,
  customFormatProblem,
  signedParts,
} from './custom-format.ts';

const SIGNATURE: CustomSignature = {
  header: 'X-Signature',
  algorithm: 'hmac-sha256',
  encoding: 'hex',
  prefix: '',
  content: '{body}',
};
const FORMAT: CustomFormat = {
  body: 'envelope',
  idHeader: 'X-Id',
  typeHeader: 'X-Type',
  timestampHeader: 'X-Time',
  timestampFormat: 'seconds',
  signature: SIGNATURE,
};
const signing = (change: Partial<CustomSignature>): CustomFormat => ({
  ...FORMAT,
  signature: { ...SIGNATURE, ...change },
});

test.each([
  ['everything', FORMAT],
  [
    'nothing but the body',
    { ...FORMAT, idHeader: null, typeHeader: null, timestampHeader: null, signature: null },
  ],
  [
    'all placeholders',
    signing({
      prefix: 't={timestamp},i={id},v={type}=',
      content: '{id}.{timestamp}.{type}.{body}.{id}',
    }),
  ],
  ['braces that name nothing', signing({ content: '{{body}}' })],
] as [string, CustomFormat][])('takes %s', (_, format) => {
  expect(customFormatProblem(format)).toBeUndefined();
});

test.each([
  ['a header name with a space', { ...FORMAT, idHeader: 'X Id' }, 'idHeader'],
  ['a header that frames the message', { ...FORMAT, typeHeader: 'Content-Length' }, 'typeHeader'],
  ['a header of Standard Webhooks', { ...FORMAT, idHeader: 'webhook-id' }, 'idHeader'],
  ['the content type', { ...FORMAT, timestampHeader: 'content-type' }, 'timestampHeader'],
  ['the same header twice', { ...FORMAT, typeHeader: 'x-id' }, 'typeHeader'],
  ['a signature in another header', signing({ header: 'X-TIME' }), 'signature.header'],
  ['a signature of nothing', signing({ content: '{timestamp}' }), 'signature.content'],
  ['a body signed twice', signing({ content: '{body}{body}' }), 'signature.content'],
  ['an unknown placeholder', signing({ content: '{url}{body}' }), 'signature.content'],
  ['an unknown placeholder in the prefix', signing({ prefix: '{body}' }), 'signature.prefix'],
  ['a line break in the prefix', signing({ prefix: 'a\r\nb' }), 'signature.prefix'],
] as [string, CustomFormat, string][])('refuses %s', (_, format, field) => {
  expect(customFormatProblem(format)).toMatchObject({ field });
});

describe('templates', () => {
  const values = { id: 'evt_1', timestamp: '17', type: 'a.b' };

  test('are cut at the body', () => {
    const content = '{id}.{timestamp}.{body}.{type}';
    expect(signedParts({ ...SIGNATURE, prefix: 't={timestamp},v1=', content }, values)).toEqual({
      prefix: 't=17,v1=',
      before: 'evt_1.17.',
      after: '.a.b',
    });
  });

  test('what is filled in is not read as a template again', () => {
    const tricky = { id: '{timestamp}', timestamp: '$&', type: '{body}' };
    expect(signedParts({ ...SIGNATURE, content: '{id}{timestamp}{type}{body}' }, tricky)).toEqual({
      prefix: '',
      before: '{timestamp}$&{body}',
      after: '',
    });
  });
});
