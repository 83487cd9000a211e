import { decodeId, encodeId, timeOfId } from '../../core/ids.ts';
import type { AttemptId, EventId, Ms, Slot } from '../../core/model.ts';
import { StoreError } from '../store.ts';

/**
 * Rows are keyed by integers that grow: a key of 4 to 8 bytes at the right edge of every tree costs a
 * fraction of 16 random ones. An event's integer is the time and counter of its id (ms since 2020 ×
 * 4096 + counter: 53 bits until 2089), so an id finds its row without an index; the id's other 8
 * bytes stand in the row. An attempt's id is made of its start and its row's number, and needs no
 * column at all.
 */
const EPOCH: Ms = Date.UTC(2020, 0, 1);
const COUNTERS = 4096;
/** Smaller than every event's. */
export const SEQ_MIN: number = Number.MIN_SAFE_INTEGER;

export interface EventKey {
  readonly seq: number;
  /** Bytes 8–15 of the id: another id with the same `seq` is another event, which is not stored. */
  readonly rest: Uint8Array;
}

/** undefined = not an id, or of a time that no store gives out. */
export function eventKey(id: string): EventKey | undefined {
  const bytes = decodeId(id);
  if (!bytes) return undefined;
  const seq = seqOf(bytes);
  return Number.isSafeInteger(seq) ? { seq, rest: bytes.subarray(8) } : undefined;
}

/** Of an id that must be one: it comes from our own factory, so a broken one is a bug. */
export function knownKey(id: EventId): EventKey {
  const key = eventKey(id);
  if (!key) throw new StoreError('unavailable', `not an event id: ${id}`);
  return key;
}

export function eventSeq(id: EventId): number {
  return knownKey(id).seq;
}

function seqOf(bytes: Uint8Array): number {
  const counter = (((bytes[6] as number) & 15) << 8) + (bytes[7] as number);
  return seqAt(timeOfId(bytes)) + counter;
}

const scratch = new Uint8Array(16);

export function eventId(seq: number, rest: Uint8Array): EventId {
  const ms = timeOfSeq(seq);
  const counter = seq - seqAt(ms);
  putMs(ms);
  scratch[6] = 0x70 | (counter >> 8);
  scratch[7] = counter & 255;
  scratch.set(rest, 8);
  return `evt_${encodeId(scratch)}`;
}

/** The slot stands in byte 9 of an id. */
export function slotOfRest(rest: Uint8Array): Slot {
  return rest[1] as number;
}

export function timeOfSeq(seq: number): Ms {
  return Math.floor(seq / COUNTERS) + EPOCH;
}

/** The first integer of a time: what is older is smaller. */
export function seqAt(ms: Ms): number {
  return (ms - EPOCH) * COUNTERS;
}

export interface AttemptKey {
  readonly startedAt: Ms;
  readonly seq: number;
}

export function attemptId({ startedAt, seq }: AttemptKey): AttemptId {
  putMs(startedAt);
  scratch[6] = 0x70;
  scratch[7] = 0;
  scratch[8] = 0x80;
  let rest = seq;
  for (let i = 15; i > 8; i--) {
    scratch[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  return `att_${encodeId(scratch)}`;
}

/** undefined = not an id of this making. */
export function attemptKey(id: string): AttemptKey | undefined {
  const bytes = decodeId(id);
  if (!bytes) return undefined;
  let seq = 0;
  for (let i = 9; i < 16; i++) seq = seq * 256 + (bytes[i] as number);
  if (!Number.isSafeInteger(seq)) return undefined;
  const key = { startedAt: timeOfId(bytes), seq };
  return attemptId(key) === id ? key : undefined;
}

function putMs(ms: Ms): void {
  let rest = ms;
  for (let i = 5; i >= 0; i--) {
    scratch[i] = rest % 256;
    rest = Math.floor(rest / 256);
  }
}
