import type * as api from '@posthorn/api';
import { MASK } from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { Answer, Inbox, InboxId } from '../../core/inbox.ts';
import type { TenantId } from '../../core/model.ts';
import { slotOf } from '../../core/routing.ts';
import type { InboxPatch } from '../../inbox/registry.ts';
import type { Versioned } from '../../store/config-writer.ts';
import type { InboxCounts } from '../../store/inbox.ts';
import { toIso } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'createInbox' | 'listInboxes' | 'getInbox' | 'updateInbox' | 'deleteInbox';

interface Address {
  readonly tenant: TenantId;
  readonly inbox: InboxId;
}

export function inboxRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { configStore } = deps;
  const { inboxes } = deps.inbox;
  const one = (found: Versioned<Inbox>) => inboxToApi(deps, found);

  return {
    async createInbox({ params, body }) {
      const { keep, signing, ...rest } = body;
      const settings = { ...rest, keep: keepFromApi(keep), signing: unmask(signing, []) };
      return one(await inboxes.create(params.tenant, settings));
    },

    async listInboxes({ params, query }) {
      const { limit, cursor } = query;
      const list = { tenant: params.tenant, limit, after: cursor };
      const page = await configStore.list('inbox', list);
      const found = page.items.map(({ value, version }) => ({ value: value as Inbox, version }));
      return { items: await shown(deps, found), next: page.next ?? null };
    },

    async getInbox({ params }) {
      return one(await read(deps, params));
    },

    async updateInbox({ params, body }) {
      const { version, ...fields } = body;
      const address = { tenant: params.tenant, id: params.inbox, version };
      return one(await inboxes.update(address, (current) => patchOf(fields, current)));
    },

    async deleteInbox({ params }) {
      await inboxes.delete({ tenant: params.tenant, id: params.inbox });
      return undefined;
    },
  };
}

async function shown(
  { inbox }: HttpDeps,
  found: readonly Versioned<Inbox>[],
): Promise<api.Inbox[]> {
  const counts = await inbox.store.captures.counts(found.map(({ value }) => keyOf(value)));
  return found.map((one, i) => toApi(one, counts[i] as InboxCounts, inbox.urlOf));
}

export async function inboxToApi(deps: HttpDeps, found: Versioned<Inbox>): Promise<api.Inbox> {
  return (await shown(deps, [found]))[0] as api.Inbox;
}

/** The inbox that a path names, if it is this tenant's. */
export async function read(
  { configStore }: HttpDeps,
  { tenant, inbox }: Address,
): Promise<Versioned<Inbox>> {
  const item = await configStore.read('inbox', inbox);
  const value = item?.value as Inbox | null | undefined;
  if (!item || value?.tenant !== tenant) {
    throw new AppError('not_found', 'There is no such inbox.');
  }
  return { value, version: item.version };
}

export function keyOf({ tenant, id }: Pick<Inbox, 'tenant' | 'id'>) {
  return { slot: slotOf(tenant), inbox: id };
}

function patchOf(fields: Omit<api.InboxPatch, 'version'>, current: Inbox): InboxPatch {
  const { keep, signing, ...rest } = fields;
  // JSON holds no undefined: what is left out is not in the object at all.
  return {
    ...(rest as InboxPatch),
    ...(keep ? { keep: keepFromApi(keep) } : {}),
    ...(signing ? { signing: unmask(signing, current.signing.secrets) } : {}),
  };
}

function keepFromApi({ captures, ageS, bytes }: api.Inbox['keep']): Inbox['keep'] {
  return { captures, ageMs: ageS * 1000, bytes };
}

/** A mask in the n-th place stands for the n-th secret that is stored. */
function unmask(signing: api.Inbox['signing'], stored: readonly string[]): Inbox['signing'] {
  const secrets = signing.secrets.map((secret, index) => {
    if (secret !== MASK) return secret;
    const kept = stored[index];
    if (kept !== undefined) return kept;
    const field = `signing.secrets.${index}`;
    const message = `${field}: ${MASK} stands for a stored secret, and there is none: send the secret.`;
    throw new AppError('invalid_request', message, { details: { field } });
  });
  return { scheme: signing.scheme, secrets };
}

function toApi(
  { value, version }: Versioned<Inbox>,
  counts: InboxCounts,
  urlOf: (name: string) => string,
): api.Inbox {
  const { answer, keep, signing } = value;
  return {
    id: value.id,
    tenant: value.tenant,
    name: value.name,
    url: urlOf(value.name),
    title: value.title,
    answer: answerToApi(answer),
    handshakes: value.handshakes,
    keep: { captures: keep.captures, ageS: keep.ageMs / 1000, bytes: keep.bytes },
    signing: { scheme: signing.scheme, secrets: signing.secrets.map(() => MASK) },
    captures: counts.captures,
    bytes: counts.bytes,
    newest: counts.head,
    version,
    createdAt: toIso(value.createdAt),
    updatedAt: toIso(value.updatedAt),
  };
}

export function answerToApi(answer: Answer): api.Inbox['answer'] {
  if (answer.kind === 'reply') return { ...answer, headers: [...answer.headers] };
  const { fallback } = answer;
  return { ...answer, fallback: { ...fallback, headers: [...fallback.headers] } };
}
