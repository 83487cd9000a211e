import { completeItem } from '../core/stored.ts';
import type { ConfigKind } from './store.ts';
import type { Vault } from './vault.ts';

export interface ItemKey {
  readonly kind: ConfigKind;
  readonly id: string;
}

/** The value of a row of `item`, in the shape of this release whichever wrote it. */
export function openItem(vault: Vault, { kind, id }: ItemKey, value: Uint8Array): unknown {
  const plain = isSealed(kind) ? vault.open(value, `${kind}/${id}`) : value;
  return completeItem(kind, JSON.parse(Buffer.from(plain).toString()));
}

export function closeItem(vault: Vault, { kind, id }: ItemKey, value: unknown): Uint8Array {
  const plain = Buffer.from(JSON.stringify(value));
  return isSealed(kind) ? vault.seal(plain, `${kind}/${id}`) : plain;
}

/** Endpoints, inboxes and apps hold secrets, so they are sealed whole. */
function isSealed(kind: ConfigKind): boolean {
  return kind === 'endpoint' || kind === 'inbox' || kind === 'app';
}
