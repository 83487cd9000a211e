import type { Inbox, InboxId } from '../core/inbox.ts';
import type { Slot, TenantId } from '../core/model.ts';
import { slotOf } from '../core/routing.ts';
import type { ConfigItem } from '../store/store.ts';

/** An inbox and where its captures live. */
export interface PlacedInbox extends Inbox {
  readonly slot: Slot;
}

/** All inboxes in memory, kept current by the configuration's feed; the path of a request asks it. */
export class InboxView {
  readonly #byId = new Map<InboxId, PlacedInbox>();
  readonly #byName = new Map<string, PlacedInbox>();
  readonly #listeners = new Set<(id: InboxId, inbox: PlacedInbox | undefined) => void>();

  named(name: string): PlacedInbox | undefined {
    return this.#byName.get(name);
  }
  get(id: string): PlacedInbox | undefined {
    return this.#byId.get(id as InboxId);
  }
  count(tenant: TenantId): number {
    let count = 0;
    for (const inbox of this.#byId.values()) if (inbox.tenant === tenant) count += 1;
    return count;
  }

  /** Called with each inbox that changed or went. */
  onChange(listener: (id: InboxId, inbox: PlacedInbox | undefined) => void): void {
    this.#listeners.add(listener);
  }

  apply(items: readonly ConfigItem[]): void {
    for (const item of items) {
      if (item.kind !== 'inbox') continue;
      const id = item.id as InboxId;
      const value = (item.value ?? undefined) as Inbox | undefined;
      const inbox = value && { ...value, slot: slotOf(value.tenant) };
      const before = this.#byId.get(id);
      if (before) this.#byName.delete(before.name);
      this.#byId.delete(id);
      if (inbox) {
        this.#byId.set(id, inbox);
        this.#byName.set(inbox.name, inbox);
      }
      for (const listener of this.#listeners) listener(id, inbox);
    }
  }
}
