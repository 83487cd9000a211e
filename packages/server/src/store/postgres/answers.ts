import type { Ms } from '../../core/model.ts';
import type { AnswerPart, AnswerPlace, AnswerStore, CaptureKey } from '../inbox.ts';
import type { Vault } from '../vault.ts';
import { int2s, int4s, int8s, texts } from './arrays.ts';
import type { InboxConnections, InboxParts } from './open-inbox.ts';

/** The sender waits; whoever answers turns it into the head, or into a refusal. */
export const WAITING = 0;
const KINDS = ['waiting', 'head', 'body', 'end', 'cut', 'declined'] as const;
/** Parts that were not taken yet; beyond, the answerer waits. */
const AHEAD_MAX = 16;

interface PartRow {
  readonly i: number;
  readonly n: number;
  readonly kind: number;
  readonly bytes: Uint8Array | null;
}

/** Answers on their way between nodes, sealed with the master key: who has it not can't make one. */
export class PgAnswers implements AnswerStore {
  readonly #db: InboxConnections;
  readonly #vault: Vault;

  constructor({ db, vault }: InboxParts) {
    this.#db = db;
    this.#vault = vault;
  }

  begin(key: CaptureKey, head: Uint8Array): Promise<boolean> {
    return this.#decide(key, 'head', head);
  }

  decline(key: CaptureKey): Promise<boolean> {
    return this.#decide(key, 'declined', new Uint8Array());
  }

  /** One of all who try turns waiting into something else. */
  async #decide(key: CaptureKey, kind: 'head' | 'declined', bytes: Uint8Array): Promise<boolean> {
    const changed = await this.#db.progress.run(
      `update answer set kind = $4, bytes = $5
       where slot = $1 and inbox = $2 and seq = $3 and n = 0 and kind = ${WAITING}`,
      ...valuesOf(key),
      KINDS.indexOf(kind),
      this.#vault.seal(bytes, placeOf(key, 0)),
    );
    return changed > 0;
  }

  async write(
    { n, ...key }: AnswerPlace,
    part: Pick<AnswerPart, 'kind' | 'bytes'>,
    now: Ms,
  ): Promise<'taken' | 'wait' | 'gone'> {
    const row = await this.#db.progress.get<{ ahead: number }>(
      `insert into answer (slot, inbox, seq, n, kind, at, bytes)
       select $1, $2, $3, $4, $5, $6, $7 from answer
       where slot = $1 and inbox = $2 and seq = $3 and n = 0
       returning (select count(*) from answer where slot = $1 and inbox = $2 and seq = $3) as ahead`,
      ...valuesOf(key),
      n,
      KINDS.indexOf(part.kind),
      now,
      this.#vault.seal(part.bytes, placeOf(key, n)),
    );
    if (!row) return 'gone';
    return row.ahead > AHEAD_MAX ? 'wait' : 'taken';
  }

  async ahead(key: CaptureKey): Promise<'taken' | 'wait' | 'gone'> {
    const row = await this.#db.progress.get<{ parts: number }>(
      'select count(*) as parts from answer where slot = $1 and inbox = $2 and seq = $3',
      ...valuesOf(key),
    );
    if (!row || row.parts === 0) return 'gone';
    return row.parts > AHEAD_MAX ? 'wait' : 'taken';
  }

  async take(places: readonly AnswerPlace[]): Promise<AnswerPart[][]> {
    const rows = await this.#db.progress.all<PartRow>(
      `select u.i, a.n, a.kind, a.bytes
       from unnest($1::smallint[], $2::text[], $3::bigint[], $4::int[])
         with ordinality u(slot, inbox, seq, n, i)
       join answer a on a.slot = u.slot and a.inbox = u.inbox and a.seq = u.seq and a.n >= u.n
       where a.kind <> ${WAITING} order by u.i, a.n`,
      int2s(places.map(({ slot }) => slot)),
      texts(places.map(({ inbox }) => inbox)),
      int8s(places.map(({ seq }) => seq)),
      int4s(places.map(({ n }) => n)),
    );
    return places.map((place, i) =>
      rows
        .filter((row) => row.i === i + 1)
        .map(({ n, kind, bytes }) => ({
          n,
          kind: KINDS[kind] as AnswerPart['kind'],
          bytes: this.#vault.open(bytes ?? new Uint8Array(), placeOf(place, n)),
        })),
    );
  }

  async taken({ slot, inbox, seq, n }: AnswerPlace): Promise<void> {
    await this.#db.progress.run(
      'delete from answer where slot = $1 and inbox = $2 and seq = $3 and n > 0 and n <= $4',
      slot,
      inbox,
      seq,
      n,
    );
  }

  async giveUp(key: CaptureKey): Promise<boolean> {
    const gone = await this.#db.progress.run(
      `delete from answer where slot = $1 and inbox = $2 and seq = $3 and n = 0 and kind = ${WAITING}`,
      ...valuesOf(key),
    );
    return gone > 0;
  }

  async forget(key: CaptureKey): Promise<void> {
    await this.#db.progress.run(
      'delete from answer where slot = $1 and inbox = $2 and seq = $3',
      ...valuesOf(key),
    );
  }
}

function valuesOf({ slot, inbox, seq }: CaptureKey): [number, string, number] {
  return [slot, inbox, seq];
}

function placeOf({ slot, inbox, seq }: CaptureKey, n: number): string {
  return `answer/${slot}/${inbox}/${seq}/${n}`;
}
