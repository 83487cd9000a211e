import type * as api from '@posthorn/api';
import { MASK } from '@posthorn/api';
import type { InboxSigning } from '../../core/inbox.ts';
import { decodeHead } from '../../inbox/head.ts';
import { listParts } from '../../inbox/multipart.ts';
import { pairsOf, type Recognition, senderOf, signatureOf } from '../../inbox/recognition.ts';
import { isPrivateName } from '../../inbox/redact.ts';
import type { Exchange, StoredCapture } from '../../store/inbox.ts';
import { bytesToApi, toIso } from '../format.ts';
import { maskHead } from '../mask.ts';

/** Captures as the API shows them. */

/** A body up to this size stands in the JSON of its capture. */
const SHOWN_BYTES = 262_144;

/** What a row of a list shows of what a capture is. */
type CaptureMark = Pick<api.Capture, 'sender' | 'signature'>;

export async function markOf(capture: StoredCapture, signing: InboxSigning): Promise<CaptureMark> {
  const { state, scheme = null } = await signatureOf(capture, signing);
  return { sender: senderOf(capture).sender ?? null, signature: { state, scheme } };
}

export function toApi(row: StoredCapture, mark: CaptureMark): api.Capture {
  return {
    id: row.id,
    seq: row.seq,
    receivedAt: toIso(row.receivedAt),
    method: row.method,
    target: row.target,
    path: row.target.slice(row.pathAt),
    type: row.type ?? null,
    messageId: row.messageId ?? null,
    ...mark,
    remoteAddress: row.remoteAddress,
    bodyBytes: row.bodyBytes,
    truncated: row.truncated,
    answeredBy: row.answeredBy,
    status: row.status ?? null,
    durationMs: row.durationMs ?? null,
    error: row.error ?? null,
    exchanges: row.exchanges,
    note: row.note,
    bookmarked: row.bookmarked,
  };
}

export interface Whole {
  readonly recognition: Recognition;
  readonly log: readonly Exchange[];
  readonly reveal: boolean;
}

export function wholeToApi(
  row: StoredCapture,
  { recognition, log, reveal }: Whole,
): api.WholeCapture {
  const { sender, signature, same, schema } = recognition;
  const { state, scheme, secret, code, reason, hint } = signature;
  const flat = decodeHead(row.head);
  const short = row.body !== undefined && row.body.length <= SHOWN_BYTES;
  return {
    ...toApi(row, { sender: sender ?? null, signature: { state, scheme: scheme ?? null } }),
    headers: headersToApi(flat, reveal),
    body: short && row.body ? bytesToApi(row.body) : null,
    parts: row.body ? listParts(flat, row.body) : [],
    log: log.map((exchange) => exchangeToApi(exchange, reveal)),
    verdict: { secret: secret ?? null, code: code ?? null, reason, hint: hint ?? null },
    same: [...same],
    schema: schema ? { ...schema, errors: [...schema.errors] } : null,
  };
}

/** `flat`: names and values. `reveal` false = values that may be secrets are masked. */
export function headersToApi(
  flat: readonly string[],
  reveal: boolean,
): api.WholeCapture['headers'] {
  return pairsOf(flat).map(([name, value]) => ({
    name,
    value: reveal || !isPrivateName(name) ? value : MASK,
  }));
}

export function exchangeToApi(
  exchange: Exchange,
  reveal: boolean,
): api.WholeCapture['log'][number] {
  const head = (bytes: Uint8Array) =>
    reveal ? Buffer.from(bytes).toString('latin1') : maskHead(bytes);
  const { requestHead, requestBody, responseHead, responseBody } = exchange;
  const asCaptured = requestHead.length === 0 && requestBody === undefined;
  const answered = responseHead.length > 0 || responseBody.length > 0;
  return {
    kind: exchange.kind,
    to: exchange.to,
    at: toIso(exchange.at),
    durationMs: exchange.durationMs,
    status: exchange.status ?? null,
    error: exchange.error ?? null,
    request: asCaptured
      ? null
      : { head: head(requestHead), body: requestBody ? bytesToApi(requestBody) : null },
    response: answered
      ? {
          head: head(responseHead),
          body: bytesToApi(responseBody),
          truncated: exchange.responseTruncated,
        }
      : null,
  };
}
