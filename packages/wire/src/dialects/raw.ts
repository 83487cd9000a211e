import { mergeHeaders } from '../header.ts';
import type { Dialect } from '../message.ts';
import { besides, ownHeaders } from './headers.ts';
import { bare, parseBare } from './payload.ts';

/** The data as the producer wrote it, and nothing around it. */
export const raw: Dialect = {
  name: 'raw',
  body: bare,
  headers: (input) => mergeHeaders([...ownHeaders(input.endpoint), ...besides(input)], input.extra),
  parse: parseBare,
  traits: {
    lowerCase: false,
    contentType: true,
    actor: () => false,
    reserved: () => [],
    secret: () => 'key',
  },
};
