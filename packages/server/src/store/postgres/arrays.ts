import { decodeId, encodeId } from '../../core/ids.ts';
import type { EventId } from '../../core/model.ts';

/**
 * Arrays in PostgreSQL's binary format: the driver sends a `Buffer` as it is, so a batch of bodies
 * crosses without being spelled out in hexadecimal (array_recv, src/backend/utils/adt/arrayfuncs.c).
 *
 *     dimensions | has nulls | element's oid | length | lower bound | (size, bytes)…
 */
const OID = { bool: 16, bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, uuid: 2950 } as const;
const HEADER_BYTES = 20;
const NULL = -1;

export function int2s(values: readonly number[]): Buffer {
  return fixed({ oid: OID.int2, size: 2 }, values, (out, at, value) => out.writeInt16BE(value, at));
}

export function int4s(values: readonly (number | null)[]): Buffer {
  return fixed({ oid: OID.int4, size: 4 }, values, (out, at, value) => out.writeInt32BE(value, at));
}

export function int8s(values: readonly (number | null)[]): Buffer {
  return fixed({ oid: OID.int8, size: 8 }, values, writeInt8);
}

export function bools(values: readonly boolean[]): Buffer {
  return fixed({ oid: OID.bool, size: 1 }, values, (out, at, value) =>
    out.writeUInt8(value ? 1 : 0, at),
  );
}

export function uuids(ids: readonly EventId[]): Buffer {
  return fixed({ oid: OID.uuid, size: 16 }, ids, (out, at, id) => out.set(uuid(id), at));
}

/** PostgreSQL's text has no NUL; what a stranger put into a message loses it. */
export function texts(given: readonly (string | null)[]): Buffer {
  const values = given.map((value) => value?.replaceAll('\0', '\ufffd') ?? null);
  const sizes = values.map((value) => (value === null ? 0 : Buffer.byteLength(value)));
  return varied(OID.text, { values, sizes }, (out, at, value) => out.write(value, at, 'utf8'));
}

export function byteas(values: readonly (Uint8Array | null)[]): Buffer {
  const sizes = values.map((value) => value?.length ?? 0);
  return varied(OID.bytea, { values, sizes }, (out, at, value) => out.set(value, at));
}

const NIL = Buffer.alloc(16);

/** The 16 bytes of an event's id; what is none is an id that no event has. */
export function uuid(id: string): Buffer {
  const bytes = decodeId(id);
  return bytes ? Buffer.from(bytes.buffer) : NIL;
}

/** Smaller than the id of every event from that time on. */
export function uuidAt(ms: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(Math.max(0, Math.min(ms, MS_MAX)), 0, 6);
  return bytes;
}
const MS_MAX = 2 ** 48 - 1;

/** From the text that PostgreSQL gives. */
export function eventIdOf(text: string): EventId {
  return `evt_${encodeId(Buffer.from(text.replaceAll('-', ''), 'hex'))}`;
}

type Write<T> = (out: Buffer, at: number, value: T) => void;

function fixed<T>(
  { oid, size }: { readonly oid: number; readonly size: number },
  values: readonly (T | null)[],
  write: Write<T>,
): Buffer {
  const sizes = values.map((value) => (value === null ? 0 : size));
  return varied(oid, { values, sizes }, write);
}

function varied<T>(
  oid: number,
  { values, sizes }: { values: readonly (T | null)[]; sizes: readonly number[] },
  write: Write<T>,
): Buffer {
  const bytes = sizes.reduce((sum, size) => sum + 4 + size, HEADER_BYTES);
  const out = Buffer.allocUnsafe(bytes);
  out.writeInt32BE(1, 0);
  out.writeInt32BE(1, 4);
  out.writeInt32BE(oid, 8);
  out.writeInt32BE(values.length, 12);
  out.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const [i, value] of values.entries()) {
    const size = sizes[i] as number;
    out.writeInt32BE(value === null ? NULL : size, at);
    at += 4;
    if (value !== null) write(out, at, value);
    at += size;
  }
  return out;
}

const TWO_32 = 2 ** 32;

function writeInt8(out: Buffer, at: number, value: number): void {
  out.writeInt32BE(Math.floor(value / TWO_32), at);
  out.writeUInt32BE(value >>> 0, at + 4);
}
