import { type JsonObject, type Preset, type PresetEvent, presetEvent } from './preset.ts';
import { flag, list, object, text } from './schema.ts';

/** canD, module MOIM: thirteen types over the revisions of its documentation. Payloads hold ids only. */

const ACTOR = { id: 'U2MQ4A6ZP1', profileId: 'UAKDIJ23KD' };

interface Told {
  readonly group: string;
  readonly label: string;
  readonly description: string;
  readonly data: JsonObject;
  readonly schema: JsonObject | null;
}

function moim(type: string, { data, schema, ...about }: Told): PresetEvent {
  return presetEvent(`MOIM:${type}`, { ...about, schema, example: { data, actor: ACTOR } });
}

const onlyId = object({ id: text });

const MEMBERS: readonly PresetEvent[] = [
  moim('member.joined', {
    group: 'Members',
    label: 'Member joined',
    description: 'Somebody became a member of the community. The payload is their profile.',
    data: { id: 'UAKDIJ23KD' },
    schema: onlyId,
  }),
  moim('member.updated', {
    group: 'Members',
    label: 'Member updated',
    description: 'A member changed their profile, or it was changed for them.',
    data: { id: 'UAKDIJ23KD' },
    schema: onlyId,
  }),
  moim('member.activated', {
    group: 'Members',
    label: 'Member activated',
    description:
      'A member passed what the community asks of newcomers; `inviter` brought them, if anybody did.',
    data: { id: 'UAKDIJ23KD', inviter: 'UQO38DK20F' },
    schema: object({ id: text, inviter: text }, ['inviter']),
  }),
];

const PRODUCTS: readonly PresetEvent[] = [
  moim('product.created', {
    group: 'Products',
    label: 'Product created',
    description: 'A product was put on sale. Fetch it with the bot token of the origin community.',
    data: { id: 'CP:AK290DKFJD' },
    schema: onlyId,
  }),
  moim('product.updated', {
    group: 'Products',
    label: 'Product updated',
    description: 'Something about a product changed: its text, its price, whether it is on sale.',
    data: { id: 'CP:AK290DKFJD' },
    schema: onlyId,
  }),
  moim('product.voted', {
    group: 'Products',
    label: 'Product voted for',
    description: 'Somebody voted for a product, or took the vote back (`voted` is false then).',
    data: { id: 'CP:AK290DKFJD', voted: true },
    schema: object({ id: text, voted: flag }),
  }),
];

const purchase = object({
  id: text,
  purchaseItems: list(object({ id: text, productId: text })),
});

const PAYMENTS: readonly PresetEvent[] = [
  moim('payment.paid', {
    group: 'Payments',
    label: 'Payment made',
    description: 'A payment went through. It lists the purchases it paid for, and their products.',
    data: {
      id: 'CY:3KNGIY8NDM95M',
      purchases: [
        {
          id: 'CU:3F21DTP4WGNUD',
          purchaseItems: [{ id: 'CI:36VFD5LDXAVH8', productId: 'CP:AK290DKFJD' }],
        },
      ],
    },
    schema: object({ id: text, purchases: list(purchase) }),
  }),
  moim('payment.cancelled', {
    group: 'Payments',
    label: 'Payment cancelled',
    description:
      'A payment was called off or paid back. Its documented payload is not known in full.',
    data: { id: 'CY:3KNGIY8NDM95M' },
    schema: null,
  }),
  moim('payment.purchaseItemConfirmed', {
    group: 'Payments',
    label: 'Purchased item confirmed',
    description: 'A buyer confirmed that one of the items paid for was received.',
    data: { id: 'CI:36VFD5LDXAVH8' },
    schema: null,
  }),
];

const SUBSCRIPTIONS: readonly PresetEvent[] = [
  moim('subscription.subscribed', {
    group: 'Subscriptions',
    label: 'Subscription started',
    description: 'A subscription to a product began, or went on after a period (`isRenewal`).',
    data: { isRenewal: true, productId: 'CP:443IP8RY7ZGU4', id: 'H5N9GEY66S' },
    schema: object({ isRenewal: flag, productId: text, id: text }),
  }),
  moim('subscription.expired', {
    group: 'Subscriptions',
    label: 'Subscription expired',
    description: 'A subscription ended and was not renewed.',
    data: { productId: 'CP:443IP8RY7ZGU4', id: 'H5N9GEY66S' },
    schema: object({ productId: text, id: text }),
  }),
];

const CONTENT: readonly PresetEvent[] = [
  moim('message.created', {
    group: 'Messages and content',
    label: 'Message created',
    description: 'A message was written in a conversation.',
    data: { id: 'MA91KDLQ0ZD', conversationId: 'CV2YB47QK8W' },
    schema: object({ id: text, conversationId: text }),
  }),
  moim('content.created', {
    group: 'Messages and content',
    label: 'Content created',
    description: 'A post or another piece of content was published in the community.',
    data: { id: 'CT:7H2KQ0W9XE' },
    schema: null,
  }),
];

export const cand: Preset = {
  name: 'cand',
  label: 'canD',
  description:
    'What happens in a community of canD: members, products, payments, subscriptions, messages. ' +
    'Types carry their module, as receivers dispatch on it: MOIM:product.created.',
  eventTypes: [...MEMBERS, ...PRODUCTS, ...PAYMENTS, ...SUBSCRIPTIONS, ...CONTENT],
};
