import { utf8 } from '../encoding.ts';
import { type Dialect, DialectError, type EventMeta, type ParsedEvent } from '../message.ts';
import { WebhookError } from '../webhook-error.ts';
import { described, parseJson } from './body.ts';
import type { ComposedEvent, Described, SignedRequest } from './scheme.ts';

/** Reads and writes bodies by the dialect that the sending side writes them with. */
export function fromDialect(dialect: Dialect): Format {
  return {
    describe: (request) => describedBy(dialect, request),
    compose: (event) => composedBy(dialect, event),
  };
}

interface Format {
  describe(request: SignedRequest): Described;
  compose(event: ComposedEvent): Uint8Array;
}

export function describedBy(dialect: Dialect, request: SignedRequest): Described {
  const { raw: body, headers, method = 'POST' } = request;
  const list = [...headers.entries()].map(([name, value]) => ({ name, value }));
  return asDescribed(read(() => dialect.parse({ method, headers: list, body })));
}

function read(parse: () => ParsedEvent): ParsedEvent {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof DialectError)) throw error;
    throw new WebhookError('invalid_json', error.message, {
      cause: error,
      hint: 'the sender is known, but this is not what it sends: is it set to another format?',
    });
  }
}

function asDescribed(event: ParsedEvent): Described {
  const { type, id, occurredAt, subject, actor, data } = event;
  const at = occurredAt === undefined ? undefined : new Date(occurredAt);
  const context =
    event.tenant === undefined ? event.context : { tenant: event.tenant, ...event.context };
  return described({ type, id, at, subject, actor, context, payload: parseJson(data) });
}

/** The ids that a test's message shows where a real one shows those of tenant and endpoint. */
const TENANT = '00000000-0000-8000-8000-000000000001';
const ENDPOINT = '00000000-0000-8000-8000-000000000002';

function composedBy(dialect: Dialect, { type, payload, at, id }: ComposedEvent): Uint8Array {
  const meta: EventMeta = { context: { name: id, event_id: id, resource_id: TENANT } };
  return dialect.body({
    event: {
      id,
      type,
      tenant: TENANT,
      occurredAt: at.getTime(),
      meta: JSON.stringify(meta),
      data: utf8(JSON.stringify(payload) ?? 'null'),
    },
    endpoint: {
      id: ENDPOINT,
      alias: ENDPOINT,
      contentType: null,
      fields: [],
      actorFields: null,
      custom: null,
      standardHeaders: false,
    },
    tenant: { id: TENANT, alias: TENANT, parent: null },
  });
}
