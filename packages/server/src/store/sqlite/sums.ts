import { crc32 } from 'node:zlib';

/**
 * Checksums of what is sent. SQLite notices damage to its own structure; a bit that a disk turned in the
 * middle of a payload it hands out as it is.
 */
export interface SummedEvent {
  readonly rest: Uint8Array;
  readonly tenant: string;
  readonly type: string;
  readonly occurredAt: number;
  readonly meta: string;
  readonly data: Uint8Array;
}

export function sumOfEvent({ rest, data, ...event }: SummedEvent): number {
  const { tenant, type, occurredAt, meta } = event;
  return crc32(data, crc32(`${tenant} ${type} ${occurredAt} ${meta}`, crc32(rest)));
}

/** Of a body as it is kept of a run's first attempt. */
export function sumOfBody(before: Uint8Array, after: Uint8Array | null): number {
  return after ? crc32(after, crc32(before)) : crc32(before);
}
