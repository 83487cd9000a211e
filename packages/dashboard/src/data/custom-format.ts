import type { EndpointRow } from './types.ts';

/** A format of one's own begins with this one: what most contracts that exist already look like. */
export const CUSTOM: NonNullable<EndpointRow['custom']> = {
  body: 'envelope',
  idHeader: 'X-Event-Id',
  typeHeader: 'X-Event-Type',
  timestampHeader: 'X-Timestamp',
  timestampFormat: 'seconds',
  signature: {
    header: 'X-Signature',
    algorithm: 'hmac-sha256',
    encoding: 'hex',
    prefix: 'sha256=',
    content: '{timestamp}.{body}',
  },
};
