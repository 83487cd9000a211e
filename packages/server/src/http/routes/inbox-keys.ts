import { AppError } from '../../core/errors.ts';
import type { CaptureId } from '../../core/inbox.ts';
import type { ApiKey, KeyId } from '../../core/model.ts';
import { withoutSlash } from '../../core/public-url.ts';
import { everyItem } from '../../store/config-writer.ts';
import type { Principal } from '../auth.ts';
import { fromIso, toIso, toIsoOrNull } from '../format.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { read } from './inboxes.ts';

type Ids =
  | 'createInboxKey'
  | 'listInboxKeys'
  | 'deleteInboxKey'
  | 'createShare'
  | 'listShares'
  | 'deleteShare';

/** Of one inbox, links among them. */
const KEYS_MAX = 100;

type Address = Parameters<typeof read>[1];

export function inboxKeyRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { registry, configStore, now, publicUrl } = deps;

  /** All of them: they are bounded. */
  async function keysOf(address: Address): Promise<ApiKey[]> {
    await read(deps, address);
    const found: ApiKey[] = [];
    for await (const { value } of everyItem(configStore, 'key', address.tenant)) {
      if ((value as ApiKey).only?.inbox === address.inbox) found.push(value as ApiKey);
    }
    return found;
  }

  async function make(
    address: Address,
    principal: Principal,
    input: {
      name: string;
      scopes: ApiKey['scopes'];
      expiresAt: number | null;
      shared: boolean;
      capture: CaptureId | null;
    },
  ) {
    // Whoever has a key of this kind must not be able to outlive it.
    if (principal.only) throw new AppError('forbidden', 'A key for one inbox makes no others.');
    if ((await keysOf(address)).length >= KEYS_MAX) {
      const message = `The inbox has ${KEYS_MAX} keys and links, which is its bound: delete some first.`;
      throw new AppError('conflict', message);
    }
    const { shared, capture, ...rest } = input;
    const only = { inbox: address.inbox, shared, capture };
    return registry.keys.create({ ...rest, tenant: address.tenant, only });
  }

  async function remove(address: Address & { key: string }, shared: boolean): Promise<undefined> {
    const found = (await keysOf(address)).find(({ id }) => id === address.key);
    if (found?.only?.shared !== shared) throw new AppError('not_found', 'There is no such key.');
    await registry.keys.delete(address.key as KeyId);
    return undefined;
  }

  return {
    async createInboxKey({ params, body, principal }) {
      const expiresAt = body.expiresAt === null ? null : fromIso(body.expiresAt);
      const input = { ...body, expiresAt, shared: false, capture: null };
      const { value, text } = await make(params, principal, input);
      return { ...keyToApi(value), key: text };
    },

    async listInboxKeys({ params }) {
      const keys = (await keysOf(params)).filter(({ only }) => !only?.shared);
      return { items: keys.map(keyToApi), next: null };
    },

    deleteInboxKey: ({ params }) => remove(params, false),

    async createShare({ params, body, principal }) {
      const expiresAt = now() + body.expiresInS * 1000;
      const rest = { name: 'share', scopes: ['read' as const], expiresAt, shared: true };
      const { value, text } = await make(params, principal, { ...rest, capture: body.capture });
      const url = `${withoutSlash(publicUrl())}/shared/${text}`;
      return { ...shareToApi(value), url };
    },

    async listShares({ params }) {
      const shares = (await keysOf(params)).filter(({ only }) => only?.shared);
      return { items: shares.map(shareToApi), next: null };
    },

    deleteShare: ({ params }) => remove(params, true),
  };
}

function keyToApi({ id, name, scopes, hint, createdAt, expiresAt }: ApiKey) {
  return {
    id,
    name,
    scopes: scopes.filter((scope) => scope === 'read' || scope === 'write'),
    hint,
    createdAt: toIso(createdAt),
    expiresAt: toIsoOrNull(expiresAt),
  };
}

function shareToApi({ id, only, createdAt, expiresAt }: ApiKey) {
  return {
    id,
    capture: only?.capture ?? null,
    createdAt: toIso(createdAt),
    expiresAt: toIso(expiresAt ?? createdAt),
  };
}
