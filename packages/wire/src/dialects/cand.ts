import { BodyWriter } from '../body-writer.ts';
import { isEventType } from '../event.ts';
import { headerValue, mergeHeaders } from '../header.ts';
import { plainQuote } from '../json-print.ts';
import type { Dialect, ParsedEvent, ReceivedRequest, RenderInput } from '../message.ts';
import { chosenData, factsOf, givenText, isAbsent, shown } from './facts.ts';
import { besides, ownHeaders } from './headers.ts';
import { parsed } from './payload.ts';
import { checkType, defined, NULL, readInner, readObject, readText } from './reading.ts';

/**
 * canD: ids only, addressed by module and type, in the context of a community and its origin
 * community. It names neither the time nor the event, and signs nothing.
 */
export const cand: Dialect = {
  name: 'cand',
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

const MODULE = 'MOIM';
const EMPTY = new TextEncoder().encode('{}');

function body({ event, endpoint, tenant }: RenderInput): Uint8Array {
  const { actor, context } = factsOf(event);
  const { module, type } = address(event.type, givenText(context, 'module'));
  const user = givenText(actor, 'id') ?? '';
  const data = chosenData(event.data, endpoint.fields);
  const writer = new BodyWriter(plainQuote);
  return writer
    .value('module', module)
    .value('type', type)
    .object('context', () => {
      const origin = tenant.parent ?? tenant;
      writer
        .value('originCommunityId', givenText(context, 'originCommunityId') ?? shown(origin))
        .value('userId', givenText(context, 'userId') ?? user)
        .value('communityId', givenText(context, 'communityId') ?? shown(tenant))
        .value(
          'profileId',
          givenText(context, 'profileId') ?? givenText(actor, 'profileId') ?? user,
        );
    })
    .bytes('payload', isAbsent(data) ? EMPTY : data)
    .finish();
}

/**
 * `MOIM:product.created` names both; without a module in front it is `MOIM`, or what was given. A module
 * has no colon: the first one ends it when both are read back from one name.
 */
function address(name: string, given: string | undefined): { module: string; type: string } {
  const colon = name.indexOf(':');
  const [module, type] =
    colon > 0 && colon < name.length - 1
      ? [name.slice(0, colon), name.slice(colon + 1)]
      : [MODULE, name];
  const usable = given !== undefined && !given.includes(':') && isEventType(`${given}:${type}`);
  return { module: usable ? given : module, type };
}

function parse({ headers, body }: ReceivedRequest): ParsedEvent {
  const members = readObject(body);
  const module = readText(members, 'module') ?? MODULE;
  const type = readText(members, 'type');
  const context = readInner(members, 'context');
  const [userId, profileId] = [readText(context, 'userId'), readText(context, 'profileId')];
  const tenant = readText(context, 'communityId');
  const origin = readText(context, 'originCommunityId');
  return parsed({
    type: checkType(type ? `${module}:${type}` : undefined, 'type'),
    id: headerValue(headers, 'webhook-id'),
    tenant,
    actor: defined({ id: userId, profileId }),
    context: defined({ originCommunityId: origin, communityId: tenant }),
    data: members.get('payload') ?? NULL,
  });
}
