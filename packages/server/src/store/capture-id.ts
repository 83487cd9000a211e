import { decodeId, encodeId, timeOfId } from '../core/ids.ts';
import type { CaptureId } from '../core/inbox.ts';
import type { Ms, Slot } from '../core/model.ts';

/**
 * The id of a capture is made of where it stands: it needs no column and no index.
 *
 *     0      6      8      9      10       12      16
 *     | ms   | 7, number   | slot | number | seq   |
 */
export interface CapturePlace {
  readonly receivedAt: Ms;
  readonly slot: Slot;
  /** Of the inbox in its store: 1 to 2^28. */
  readonly number: number;
  readonly seq: number;
}

export function captureId({ receivedAt, slot, number, seq }: CapturePlace): CaptureId {
  const bytes = Buffer.alloc(16);
  bytes.writeUIntBE(receivedAt, 0, 6);
  bytes[6] = 0x70 | (number >>> 24);
  bytes[7] = (number >>> 16) & 255;
  bytes[8] = 0x80;
  bytes[9] = slot;
  bytes.writeUInt16BE(number & 0xffff, 10);
  bytes.writeUInt32BE(seq, 12);
  return `cap_${encodeId(bytes)}`;
}

/** undefined = not an id of this making. */
export function capturePlace(id: string): CapturePlace | undefined {
  const decoded = id.startsWith('cap_') ? decodeId(id) : undefined;
  if (!decoded) return undefined;
  const bytes = Buffer.from(decoded);
  const high = (((bytes[6] as number) & 15) << 8) | (bytes[7] as number);
  const place = {
    receivedAt: timeOfId(bytes),
    slot: bytes[9] as number,
    number: high * 65_536 + bytes.readUInt16BE(10),
    seq: bytes.readUInt32BE(12),
  };
  return captureId(place) === id ? place : undefined;
}
