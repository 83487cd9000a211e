import { DialectError, type DialectName, dialects } from '@posthorn/wire';
import {
  type Explained,
  explainSignature,
  headerBag,
  type Recognised,
  recognise,
  type SignatureReport,
} from '@posthorn/wire/explain';
import type { CaptureId, InboxSigning } from '../core/inbox.ts';
import type { TenantId } from '../core/model.ts';
import type { CaptureStore, StoredCapture } from '../store/inbox.ts';
import { decodeHead } from './head.ts';
import { Subject } from './subject.ts';

/** What a capture is, as far as it can be told: whose, which event, signed by whom, seen before. */

/** A longer body is not parsed for it; then the headers alone decide. */
const RECOGNISED_BYTES_MAX = 65_536;
/** A longer body is not verified here. */
export const VERIFIED_BYTES_MAX = 1_048_576;
const SAME_MAX = 20;

/** What the catalogue says of a capture's data. */
export interface Drift {
  readonly type: string;
  readonly fits: boolean;
  /** A sentence; '' = it fits. */
  readonly message: string;
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

export interface Recognition extends Pick<Recognised, 'sender'> {
  readonly signature: SignatureReport;
  /** Other captures with the same id of the sender's, oldest first; at most 20. */
  readonly same: readonly CaptureId[];
  /** undefined = the catalogue has no schema for its type. */
  readonly schema: Drift | undefined;
}

export interface RecogniserOptions {
  readonly captures: Pick<CaptureStore, 'sameMessage'>;
  /** Compares data with the tenant's catalogue; undefined = it says nothing of this type. */
  readonly compare: (
    tenant: TenantId,
    event: { readonly type: string; readonly data: Uint8Array },
  ) => Promise<Drift | undefined>;
}

export class Recogniser {
  readonly #options: RecogniserOptions;

  constructor(options: RecogniserOptions) {
    this.#options = options;
  }

  async examine(
    of: { readonly tenant: TenantId; readonly signing: InboxSigning },
    capture: StoredCapture,
  ): Promise<Recognition> {
    const { sender } = senderOf(capture);
    const { messageId } = capture;
    const [signature, same, schema] = await Promise.all([
      signatureOf(capture, of.signing),
      messageId === undefined
        ? []
        : this.#options.captures.sameMessage(capture, messageId, SAME_MAX),
      this.#drift(of.tenant, capture, sender),
    ]);
    return { sender, signature, same: same.filter((id) => id !== capture.id), schema };
  }

  async #drift(
    tenant: TenantId,
    capture: StoredCapture,
    sender: string | undefined,
  ): Promise<Drift | undefined> {
    const { type, body } = capture;
    if (type === undefined || body === undefined || capture.truncated) return undefined;
    const data = dataOf(capture, sender, body);
    return data && this.#options.compare(tenant, { type, data });
  }
}

/** For a request that is about to be stored. */
export function recogniseRequest(
  rawHeaders: readonly string[],
  body: Uint8Array,
  subject: Subject,
): Recognised {
  const looked = body.length <= RECOGNISED_BYTES_MAX;
  return recognise(rawHeaders, () => (looked ? subject.body : undefined));
}

export function senderOf({ method, target, pathAt, head, body }: StoredCapture): Recognised {
  const headers = decodeHead(head);
  const subject = new Subject({ method, path: target.slice(pathAt), headers, body });
  return recogniseRequest(headers, body ?? new Uint8Array(), subject);
}

/**
 * As a receiver would have judged it when it came in, with the secrets that the inbox has now. Of a
 * body that was not kept whole nothing can be said.
 */
export async function signatureOf(
  capture: StoredCapture,
  signing: InboxSigning,
): Promise<Explained> {
  const { method, target, body, receivedAt } = capture;
  const whole = body !== undefined && !capture.truncated;
  const headers = headerBag(pairsOf(decodeHead(capture.head)));
  const found = await explainSignature(
    { method, url: target, headers, raw: body ?? new Uint8Array() },
    {
      secrets: whole ? signing.secrets : [],
      scheme: signing.scheme ?? undefined,
      nowS: receivedAt / 1000,
    },
  );
  if (whole || found.state === 'unsigned') return found;
  const reason = capture.truncated
    ? 'Only the beginning of its body was kept, so its signature cannot be checked.'
    : 'Its body is too long to be checked here: use posthorn verify.';
  return { ...found, state: 'unchecked', code: undefined, reason, hint: undefined };
}

export function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    pairs.push([flat[i] as string, flat[i + 1] as string]);
  }
  return pairs;
}

/** The part of the body that is about the event. */
function dataOf(
  { method, head }: StoredCapture,
  sender: string | undefined,
  body: Uint8Array,
): Uint8Array | undefined {
  const dialect = Object.hasOwn(dialects, sender ?? '')
    ? dialects[sender as DialectName]
    : undefined;
  if (!dialect) return isJson(body) ? body : undefined;
  const headers = pairsOf(decodeHead(head)).map(([name, value]) => ({ name, value }));
  try {
    return dialect.parse({ method, headers, body }).data;
  } catch (error) {
    if (error instanceof DialectError) return isJson(body) ? body : undefined;
    throw error;
  }
}

function isJson(body: Uint8Array): boolean {
  try {
    JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString());
    return true;
  } catch {
    return false;
  }
}
