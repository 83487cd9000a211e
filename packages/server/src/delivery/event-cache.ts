import type { EventId, StoredEvent } from '../core/model.ts';

const BYTES_MAX = 16 * 1024 * 1024;

/** Events just ingested here, so that a lane taken a moment later need not read them; oldest go first. */
export class EventCache {
  readonly #events = new Map<EventId, StoredEvent>();
  #bytes = 0;

  put(event: StoredEvent): void {
    if (this.#events.has(event.id)) return;
    this.#events.set(event.id, event);
    this.#bytes += size(event);
    for (const [id, oldest] of this.#events) {
      if (this.#bytes <= BYTES_MAX) return;
      this.#events.delete(id);
      this.#bytes -= size(oldest);
    }
  }

  forget(id: EventId): void {
    const event = this.#events.get(id);
    if (!event) return;
    this.#events.delete(id);
    this.#bytes -= size(event);
  }

  get(id: EventId): StoredEvent | undefined {
    return this.#events.get(id);
  }
}

function size(event: StoredEvent): number {
  return event.data.length + event.meta.length + 256;
}
