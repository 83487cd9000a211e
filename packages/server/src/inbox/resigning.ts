import { type Explained, headerBag } from '@posthorn/wire/explain';
import type { InboxSigning } from '../core/inbox.ts';
import type { Ms } from '../core/model.ts';
import type { CaptureStore, InboxKey, StoredCapture } from '../store/inbox.ts';
import type { Carried } from './hub.ts';
import { pairsOf, signatureOf, VERIFIED_BYTES_MAX } from './recognition.ts';

/** Signing again what was signed before: receivers refuse what was signed long ago. */

interface Signed {
  /** Flat list of names and values. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  readonly nowMs: Ms;
}

/** The headers with a signature of now; the sender's id stays. */
export async function signedAnew(
  { scheme, secret }: NonNullable<Explained['signer']>,
  { messageId, id, type }: Pick<StoredCapture, 'messageId' | 'id' | 'type'>,
  { headers, body, nowMs }: Signed,
): Promise<string[]> {
  const at = new Date(nowMs);
  const signed = await scheme.sign({ raw: body, id: messageId ?? id, at, secret, type });
  return replaced(headers, signed);
}

/** In the places where they stood, under the names as they were written; others at the end. */
function replaced(flat: readonly string[], by: Readonly<Record<string, string>>): string[] {
  const left = new Map(headerBag(Object.entries(by)).entries());
  const names = new Set(left.keys());
  const result: string[] = [];
  for (const [name, value] of pairsOf(flat)) {
    const lower = name.toLowerCase();
    const fresh = left.get(lower);
    if (!names.has(lower)) result.push(name, value);
    else if (fresh !== undefined) result.push(name, fresh);
    left.delete(lower);
  }
  for (const [name, value] of Object.entries(by)) {
    if (left.has(name.toLowerCase())) result.push(name, value);
  }
  return result;
}

/** Receivers allow five minutes; what comes sooner is left as it is. */
const LATE_MS: Ms = 60_000;

export interface Late {
  readonly captures: Pick<CaptureStore, 'read'>;
  readonly key: InboxKey;
  /** Of the inbox, as it is now. */
  readonly signing: InboxSigning;
  readonly nowMs: Ms;
}

export function isLate({ receivedAt, truncated }: Carried, nowMs: Ms): boolean {
  return nowMs - receivedAt > LATE_MS && !truncated;
}

/**
 * A late capture with a signature of now. Only what had a good one when it came gets another: nobody's
 * forgery becomes a genuine event by waiting.
 */
export async function freshened(capture: Carried, late: Late): Promise<Carried> {
  const { captures, key, signing, nowMs } = late;
  const stored = await captures.read({ ...key, seq: capture.seq }, VERIFIED_BYTES_MAX);
  if (!stored?.body) return capture;
  const { state, signer } = await signatureOf(stored, signing);
  if (state !== 'valid' || !signer) return capture;
  const { body } = stored;
  const headers = await signedAnew(signer, stored, { headers: capture.headers, body, nowMs });
  // Some signatures hold for ever.
  if (headers.every((part, i) => part === capture.headers[i])) return capture;
  return { ...capture, headers: [...headers, 'X-Posthorn-Resigned', 'true'], resigned: true };
}
