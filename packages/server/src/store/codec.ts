import type { EventId } from '../core/model.ts';
import type { IngestReply, IngestRequest, NewEvent } from './store.ts';

/**
 * Ingestion as it crosses a thread: one flat list of plain values and one block of bytes for the
 * whole batch. Cloning that costs a fraction of cloning the objects, and the block is handed over
 * without a copy. Both ends are of one build, so the order of the fields is the whole format.
 */
export interface Packed {
  readonly fields: readonly Field[];
  readonly bytes: Uint8Array<ArrayBuffer>;
}
type Field = string | number | null;

export class Packer {
  readonly #fields: Field[] = [];
  readonly #chunks: Uint8Array[] = [];
  #size = 0;

  put(...fields: Field[]): void {
    for (const field of fields) this.#fields.push(field);
  }

  bytes(chunk: Uint8Array): void {
    this.#fields.push(chunk.length);
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  finish(): Packed {
    const bytes = new Uint8Array(new ArrayBuffer(this.#size));
    let at = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
    return { fields: this.#fields, bytes };
  }
}

export class Unpacker {
  readonly #packed: Packed;
  #field = 0;
  #byte = 0;

  constructor(packed: Packed) {
    this.#packed = packed;
  }

  get more(): boolean {
    return this.#field < this.#packed.fields.length;
  }
  take<T extends Field>(): T {
    return this.#packed.fields[this.#field++] as T;
  }
  text(): string {
    return this.take<string>();
  }
  number(): number {
    return this.take<number>();
  }
  maybe<T extends string | number>(): T | undefined {
    return this.take<T | null>() ?? undefined;
  }
  bytes(): Uint8Array {
    const length = this.number();
    const start = this.#byte;
    this.#byte += length;
    return this.#packed.bytes.subarray(start, this.#byte);
  }
}

function packEvents(packer: Packer, events: readonly NewEvent[]): void {
  packer.put(events.length);
  for (const event of events) {
    packer.put(event.id, event.slot, event.tenant, event.type, event.occurredAt, event.createdAt);
    packer.put(event.meta, event.idempotencyKey ?? null, event.lanes.length);
    // Not spread: a fan-out may be wider than a call takes arguments.
    for (const lane of event.lanes) packer.put(lane);
    packer.bytes(event.hash ?? NONE);
    packer.bytes(event.data);
  }
}

function unpackEvents(from: Unpacker): NewEvent[] {
  return repeat(from.number(), () => ({
    id: from.text() as EventId,
    slot: from.number(),
    tenant: from.text(),
    type: from.text(),
    occurredAt: from.number(),
    createdAt: from.number(),
    meta: from.text(),
    idempotencyKey: from.maybe<string>(),
    lanes: repeat(from.number(), () => from.number()),
    hash: someBytes(from.bytes()),
    data: from.bytes(),
  }));
}

export function packIngest(batch: readonly IngestRequest[]): Packed {
  const packer = new Packer();
  for (const { events } of batch) packEvents(packer, events);
  return packer.finish();
}

export function unpackIngest(packed: Packed): IngestRequest[] {
  const from = new Unpacker(packed);
  const batch: IngestRequest[] = [];
  while (from.more) batch.push({ events: unpackEvents(from) });
  return batch;
}

/** `null` = accepted just as asked, which the asker can spell out itself. */
export function packReplies(replies: readonly IngestReply[]): (IngestReply | null)[] {
  return replies.map((reply) => {
    const plain =
      reply.kind === 'accepted' && reply.events.every((e) => !e.duplicate && !e.irregular);
    return plain ? null : reply;
  });
}

export function unpackReplies(
  replies: readonly (IngestReply | null)[],
  batch: readonly IngestRequest[],
): IngestReply[] {
  return replies.map((reply, i) => {
    if (reply) return reply;
    const events = (batch[i]?.events ?? []).map(({ id, lanes }) => ({
      id,
      duplicate: false,
      deliveries: lanes.length,
      irregular: false,
    }));
    return { kind: 'accepted', events };
  });
}

const NONE = new Uint8Array();

function someBytes(bytes: Uint8Array): Uint8Array | undefined {
  return bytes.length > 0 ? bytes : undefined;
}

function repeat<T>(count: number, make: () => T): T[] {
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(make());
  return list;
}
