import type { MessagePort } from 'node:worker_threads';
import type { InboxId } from '../core/inbox.ts';
import { type Packed, Packer, Unpacker } from './codec.ts';
import type {
  Captured,
  CaptureStore,
  ExchangeKind,
  InboxStore,
  ListenerStore,
  NewCapture,
  NewExchange,
} from './inbox.ts';
import { bound, Calls, serve } from './remote.ts';

/** The inbox store in another thread, as remote.ts does it for the others. */

const CAPTURES = [
  'list',
  'read',
  'body',
  'exchanges',
  'mark',
  'remove',
  'keep',
  'counts',
  'answered',
  'sameMessage',
] as const satisfies readonly Exclude<keyof CaptureStore, 'capture' | 'record'>[];
const LISTENERS = [
  'attach',
  'renew',
  'detach',
  'ack',
  'claim',
  'list',
  'responders',
  'seek',
  'remove',
] as const satisfies readonly (keyof ListenerStore)[];

export function serveInbox(port: MessagePort, store: InboxStore): void {
  serve(port, {
    captures: {
      ...bound(store.captures, CAPTURES),
      capture: (packed: Packed, now: number) => store.captures.capture(unpackCaptures(packed), now),
      record: (packed: Packed) => store.captures.record(unpackExchanges(packed)),
    },
    listeners: bound(store.listeners, LISTENERS),
    store: bound(store, ['maintain', 'close']),
  });
}

export function remoteInbox(port: MessagePort): InboxStore {
  const calls = new Calls(port);
  return {
    captures: {
      ...(calls.forward('captures', CAPTURES) as unknown as CaptureStore),
      capture(batch, now) {
        const packed = packCaptures(batch);
        const call = { room: 'captures', name: 'capture', args: [packed, now] };
        return calls.ask(call, [packed.bytes.buffer]) as Promise<Captured[]>;
      },
      record(exchanges) {
        const packed = packExchanges(exchanges);
        const call = { room: 'captures', name: 'record', args: [packed] };
        return calls.ask(call, [packed.bytes.buffer]) as Promise<void>;
      },
    },
    listeners: calls.forward('listeners', LISTENERS) as unknown as ListenerStore,
    maintain: (chunk, now) =>
      calls.ask({ room: 'store', name: 'maintain', args: [chunk, now] }, []) as Promise<boolean>,
    async close() {
      await calls.ask({ room: 'store', name: 'close', args: [] }, []);
      port.close();
    },
  };
}

function packCaptures(batch: readonly NewCapture[]): Packed {
  const packer = new Packer();
  for (const one of batch) {
    packer.put(one.slot, one.inbox, one.tenant, one.receivedAt, one.method, one.target);
    packer.put(one.pathAt, one.bodyBytes, one.remoteAddress, one.secretHead ? 1 : 0);
    packer.put(one.type ?? null, one.messageId ?? null, one.answeredBy, one.status ?? null);
    packer.put(one.keep.captures, one.keep.ageMs, one.keep.bytes);
    packer.bytes(one.head);
    packer.bytes(one.body);
  }
  return packer.finish();
}

function unpackCaptures(packed: Packed): NewCapture[] {
  const from = new Unpacker(packed);
  const batch: NewCapture[] = [];
  while (from.more) {
    batch.push({
      slot: from.number(),
      inbox: from.text() as InboxId,
      tenant: from.text(),
      receivedAt: from.number(),
      method: from.text(),
      target: from.text(),
      pathAt: from.number(),
      bodyBytes: from.number(),
      remoteAddress: from.text(),
      secretHead: from.number() === 1,
      type: from.maybe<string>(),
      messageId: from.maybe<string>(),
      answeredBy: from.text(),
      status: from.maybe<number>(),
      keep: { captures: from.number(), ageMs: from.number(), bytes: from.number() },
      head: from.bytes(),
      body: from.bytes(),
    });
  }
  return batch;
}

/** Copied by themselves, small bytes would take the whole piece of memory with them that they lie in. */
function packExchanges(exchanges: readonly NewExchange[]): Packed {
  const packer = new Packer();
  for (const one of exchanges) {
    packer.put(one.slot, one.inbox, one.seq, one.kind, one.to, one.at, one.durationMs);
    packer.put(one.status ?? null, one.error ?? null);
    packer.put(one.secretHeads ? 1 : 0, one.responseTruncated ? 1 : 0, one.requestBody ? 1 : 0);
    packer.bytes(one.requestHead);
    if (one.requestBody) packer.bytes(one.requestBody);
    packer.bytes(one.responseHead);
    packer.bytes(one.responseBody);
  }
  return packer.finish();
}

function unpackExchanges(packed: Packed): NewExchange[] {
  const from = new Unpacker(packed);
  const exchanges: NewExchange[] = [];
  while (from.more) {
    const key = { slot: from.number(), inbox: from.text() as InboxId, seq: from.number() };
    const kind = from.text() as ExchangeKind;
    const [to, at, durationMs] = [from.text(), from.number(), from.number()];
    const [status, error] = [from.maybe<number>(), from.maybe<string>()];
    const [secretHeads, responseTruncated] = [from.number() === 1, from.number() === 1];
    const hasBody = from.number() === 1;
    exchanges.push({
      ...key,
      ...{ kind, to, at, durationMs, status, error, secretHeads, responseTruncated },
      requestHead: from.bytes(),
      requestBody: hasBody ? from.bytes() : undefined,
      responseHead: from.bytes(),
      responseBody: from.bytes(),
    });
  }
  return exchanges;
}
