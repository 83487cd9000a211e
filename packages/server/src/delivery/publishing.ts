import type { EventDraft } from '@posthorn/wire';
import type { Slot, TenantId } from '../core/model.ts';
import { slotOf } from '../core/routing.ts';
import { type PublishedEvent, Publisher, type PublisherOptions } from './publish.ts';

export interface PublishingOptions extends PublisherOptions {
  /** The parts of a divided store. */
  readonly shards: { readonly count: number; of(slot: Slot): number };
}

/**
 * A publisher for each part of the store, so that no batch waits for two of them, and what waits for
 * one that is away takes no room from the others: each has an equal share of the queue.
 */
export class Publishing {
  readonly #publishers: readonly Publisher[];
  readonly #shardOf: (slot: Slot) => number;

  constructor({ shards, ...options }: PublishingOptions) {
    const { queueEventsMax, queueBytesMax } = options;
    const share = (max: number) => Math.ceil(max / shards.count);
    const queue = {
      queueEventsMax: share(queueEventsMax),
      queueBytesMax: share(queueBytesMax),
    };
    this.#publishers = Array.from(
      { length: shards.count },
      () => new Publisher({ ...options, ...queue }),
    );
    this.#shardOf = (slot) => shards.of(slot);
  }

  /** As `Publisher.publish`. */
  publish(tenant: TenantId, drafts: readonly EventDraft[]): Promise<PublishedEvent[]> {
    const publisher = this.#publishers[this.#shardOf(slotOf(tenant))] as Publisher;
    return publisher.publish(tenant, drafts);
  }

  get queued(): number {
    return this.#publishers.reduce((sum, { queued }) => sum + queued, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#publishers.map((publisher) => publisher.close()));
  }
}
