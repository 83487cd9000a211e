import type { AnswerStore, CaptureStore, InboxKey, InboxStore, ListenerStore } from '../inbox.ts';
import { StoreError } from '../store.ts';
import type { SlotMap } from './slot-map.ts';

const slotOf = ({ slot }: InboxKey) => slot;

/** An inbox, its captures and its listeners lie in the shard of its slot. Closing it closes all of them. */
export function createShardedInbox(stores: readonly InboxStore[], map: SlotMap): InboxStore {
  const of = (key: InboxKey) => stores[map.shardOf(key.slot)] as InboxStore;
  const at = (shard: number) => stores[shard] as InboxStore;
  return {
    captures: capturesOf({ map, at, of }),
    listeners: listenersOf({ map, at, of, stores }),
    answers: answersOf({ map, at, of }),
    rules: { fitted: (key, rule, since) => known(of(key).rules).fitted(key, rule, since) },
    shards: { count: stores.length, of: (slot) => map.shardOf(slot) },
    async maintain(chunk, now) {
      const done = await Promise.allSettled(stores.map((store) => store.maintain(chunk, now)));
      const failed = done.find((one) => one.status === 'rejected');
      if (failed && done.every((one) => one.status === 'rejected')) throw failed.reason;
      return done.some((one) => one.status === 'fulfilled' && one.value);
    },
    async close() {
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

interface Ways {
  readonly map: SlotMap;
  readonly at: (shard: number) => InboxStore;
  readonly of: (key: InboxKey) => InboxStore;
}

function capturesOf({ map, at, of }: Ways): CaptureStore {
  return {
    // All or nothing in each shard: whoever wants it of a batch makes it of one (`InboxStore.shards`).
    capture: (batch, now) =>
      map.gather(batch, slotOf, (shard, mine) => at(shard).captures.capture(mine, now)),
    list: (query) => of(query).captures.list(query),
    read: (key, bodyBytesMax) => of(key).captures.read(key, bodyBytesMax),
    body: (key, offset) => of(key).captures.body(key, offset),
    async record(exchanges) {
      await Promise.all(
        map.split(exchanges, slotOf).map(({ shard, items }) => at(shard).captures.record(items)),
      );
    },
    exchanges: (key) => of(key).captures.exchanges(key),
    mark: (key, mark) => of(key).captures.mark(key, mark),
    remove: (key, seqs) => of(key).captures.remove(key, seqs),
    keep: (key, keep) => of(key).captures.keep(key, keep),
    counts: (keys) => map.gather(keys, slotOf, (shard, mine) => at(shard).captures.counts(mine)),
    answered: (key) => of(key).captures.answered(key),
    sameMessage: (key, messageId, limit) => of(key).captures.sameMessage(key, messageId, limit),
  };
}

/** Attachments are renewed by name alone, so this process remembers where it attached them. */
function listenersOf({
  map,
  at,
  of,
  stores,
}: Ways & { readonly stores: readonly InboxStore[] }): ListenerStore {
  const shards = new Map<string, number>();
  return {
    async attach(request, ttlMs, now) {
      const attached = await of(request).listeners.attach(request, ttlMs, now);
      if (attached.kind === 'attached') shards.set(request.attachment, map.shardOf(request.slot));
      return attached;
    },
    async renew(attachments, ttlMs, now) {
      // Whether what a shard that is away knows still holds is found when it is back, within its time.
      const asked = await Promise.allSettled(
        stores.map(async ({ listeners }, shard) => {
          const mine = attachments.filter((one) => (shards.get(one) ?? 0) === shard);
          return mine.length > 0 ? listeners.renew(mine, ttlMs, now) : [];
        }),
      );
      const lost = asked.flatMap((one) => (one.status === 'fulfilled' ? one.value : []));
      for (const one of lost) shards.delete(one);
      const failed = asked.find((one) => one.status === 'rejected');
      if (failed && lost.length === 0) throw failed.reason;
      return lost;
    },
    async detach(key, attachment, now) {
      await of(key).listeners.detach(key, attachment, now);
      shards.delete(attachment);
    },
    ack: (acks, now) =>
      map.gather(acks, slotOf, (shard, mine) => at(shard).listeners.ack(mine, now)),
    claim: (key, attachment, limit) => of(key).listeners.claim(key, attachment, limit),
    list: (key, now) => of(key).listeners.list(key, now),
    responders: (keys, now) =>
      map.gather(keys, slotOf, (shard, mine) => at(shard).listeners.responders(mine, now)),
    seek: (key, from) => of(key).listeners.seek(key, from),
    remove: (key) => of(key).listeners.remove(key),
  };
}

function answersOf({ map, at, of }: Ways): AnswerStore {
  const answers = (key: InboxKey) => known(of(key).answers);
  return {
    begin: (key, head) => answers(key).begin(key, head),
    decline: (key) => answers(key).decline(key),
    write: (place, part, now) => answers(place).write(place, part, now),
    ahead: (key) => answers(key).ahead(key),
    take: (places) =>
      map.gather(places, slotOf, (shard, mine) => known(at(shard).answers).take(mine)),
    taken: (place) => answers(place).taken(place),
    giveUp: (key) => answers(key).giveUp(key),
    forget: (key) => answers(key).forget(key),
  };
}

function known<T>(port: T | undefined): T {
  if (!port) throw new StoreError('fatal', 'A store of this process alone has no other nodes.');
  return port;
}
