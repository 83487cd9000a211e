import { BodyWriter } from '../body-writer.ts';
import { foreign, foreignUuid } from '../foreign.ts';
import { headerValue, mergeHeaders } from '../header.ts';
import { plainQuote } from '../json-print.ts';
import type { Dialect, ParsedEvent, ReceivedRequest, RenderInput } from '../message.ts';
import { chosenData, factsOf, givenText, isAbsent } from './facts.ts';
import { besides, ownHeaders } from './headers.ts';
import { parsed } from './payload.ts';
import { checkType, defined, NULL, readInner, readObject, readText } from './reading.ts';

/**
 * caisy: what happened in `metadata`, in which project, and which webhook is being called, so that no
 * two webhooks receive the same body. It names no time and signs nothing.
 */
export const caisy: Dialect = {
  name: 'caisy',
  body,
  headers: (input) => mergeHeaders([...ownHeaders(input.endpoint), ...besides(input)], input.extra),
  parse,
  traits: {
    lowerCase: false,
    contentType: true,
    actor: () => false,
    reserved: () => [],
    secret: () => 'key',
  },
};

/** What is absent is an empty text or zero there, never null. */
const NO_METADATA = new TextEncoder().encode(
  '{"blueprint_id":"","document_id":"","document_status_id":0}',
);

/** How caisy's own API misspells two of its nine events; which of both it sends is not known. */
const MISSPELT: ReadonlyMap<string, string> = new Map([
  ['project_member_assinged', 'project_member_assigned'],
  ['project_member_deassinged', 'project_member_deassigned'],
]);

function body({ event, endpoint, tenant }: RenderInput): Uint8Array {
  const { context } = factsOf(event);
  const text = (name: string, otherwise: string) => givenText(context, name) ?? otherwise;
  const data = chosenData(event.data, endpoint.fields);
  const writer = new BodyWriter(plainQuote);
  return writer
    .value('event_id', text('event_id', foreignUuid('event', event.id)))
    .bytes('metadata', isAbsent(data) ? NO_METADATA : data)
    .object('scope', () => {
      writer.value('project_id', text('project_id', foreign('tenant', tenant)));
    })
    .object('webhook', () => {
      writer.value('trigger', event.type).value('webhook_id', foreign('endpoint', endpoint));
    })
    .finish();
}

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  const webhook = readInner(members, 'webhook');
  const trigger = readText(webhook, 'trigger');
  const id = readText(members, 'event_id');
  return parsed({
    type: checkType(MISSPELT.get(trigger?.toLowerCase() ?? '') ?? trigger, 'webhook.trigger'),
    id: id ?? headerValue(headers, 'webhook-id'),
    tenant: readText(readInner(members, 'scope'), 'project_id'),
    endpoint: readText(webhook, 'webhook_id'),
    context: defined({ event_id: id }),
    data: members.get('metadata') ?? NULL,
  });
}
