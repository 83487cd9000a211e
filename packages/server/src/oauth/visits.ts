import { AppError } from '../core/errors.ts';
import { sameText, sha256Hex } from '../core/hash.ts';
import type { KeyId, Ms, TenantId } from '../core/model.ts';
import type { Person, Role, Visit, VisitId } from '../core/oauth.ts';
import { type ConfigWriter, isConflict } from '../store/config-writer.ts';
import type { ConfigItem, ConfigStore } from '../store/store.ts';

const MINUTE_MS = 60_000;
const LINK_MS = 5 * MINUTE_MS;
const VISIT_MS = 60 * MINUTE_MS;
/** Of one tenant; the oldest end when there would be more. */
const VISITS_MAX = 500;
const TOKEN = /^phv_([0-7][0-9a-hjkmnp-tv-z]{25})[\w-]{43}$/;

export interface VisitsOptions {
  readonly store: ConfigStore;
  readonly ids: { visit(now: Ms): VisitId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
}

export interface VisitInput {
  readonly tenant: TenantId;
  readonly person: Person;
  readonly role: Role;
  readonly returnTo: string;
  readonly madeBy: KeyId | null;
}

/**
 * People of the host application at the consent page.
 *
 *     link ──opened once, in the browser that asked──▶ cookie ──an hour──▶ ended
 */
export class Visits {
  readonly #options: VisitsOptions;
  readonly #writer: ConfigWriter;

  constructor(options: VisitsOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** The token of a link; `open` takes it once. */
  async create(input: VisitInput): Promise<{ visit: Visit; token: string }> {
    const { ids, now } = this.#options;
    const at = now();
    const id = ids.visit(at);
    const token = this.#token(id);
    const visit: Visit = {
      ...input,
      id,
      hash: sha256Hex(token),
      opened: false,
      createdAt: at,
      expiresAt: at + LINK_MS,
    };
    await this.#writer.putOnce([visitChange(visit, 0)]);
    await this.#sweep(input.tenant);
    return { visit, token };
  }

  /** Which link a token is of, before it is used. */
  async link(token: string): Promise<Visit | undefined> {
    const item = await this.#read(token);
    const visit = item?.value as Visit | undefined;
    return visit && !visit.opened ? visit : undefined;
  }

  /** The cookie's text. Rejects `unauthorized`: the same for a wrong, used and expired token. */
  async open(token: string): Promise<{ visit: Visit; cookie: string }> {
    const item = await this.#read(token);
    const link = item?.value as Visit | undefined;
    if (!item || !link || link.opened) throw noLink();
    const cookie = this.#token(link.id);
    const expiresAt = this.#options.now() + VISIT_MS;
    const visit: Visit = { ...link, opened: true, hash: sha256Hex(cookie), expiresAt };
    try {
      // With the version that was read: of two who open at once, one gets a conflict.
      await this.#writer.put([visitChange(visit, item.version)]);
    } catch (error) {
      throw isConflict(error) ? noLink(error) : error;
    }
    return { visit, cookie };
  }

  /** Who has this cookie; undefined = nobody, or not any more. */
  async find(cookie: string): Promise<Visit | undefined> {
    const visit = (await this.#read(cookie))?.value as Visit | undefined;
    return visit?.opened ? visit : undefined;
  }

  async #read(text: string): Promise<ConfigItem | undefined> {
    const { store, now } = this.#options;
    const id = TOKEN.exec(text)?.[1];
    const item = id === undefined ? undefined : await store.read('visit', `vis_${id}`);
    const visit = item?.value as Visit | undefined;
    if (!visit || !sameText(visit.hash, sha256Hex(text)) || visit.expiresAt <= now()) {
      return undefined;
    }
    // It ends with the key that made it.
    const maker = visit.madeBy === null ? true : await store.read('key', visit.madeBy);
    return maker ? item : undefined;
  }

  async #sweep(tenant: TenantId): Promise<void> {
    const { store, now } = this.#options;
    const at = now();
    const { items } = await store.list('visit', {
      tenant,
      limit: 2 * VISITS_MAX,
      after: undefined,
    });
    const gone = items.filter(
      ({ value }, index) => index >= VISITS_MAX || (value as Visit).expiresAt <= at,
    );
    if (gone.length > 0) {
      await store.forget(
        'visit',
        gone.map(({ id }) => id),
      );
    }
  }

  #token(id: VisitId): string {
    return `phv_${id.slice(4)}${Buffer.from(this.#options.random(32)).toString('base64url')}`;
  }
}

function visitChange(visit: Visit, expected: number) {
  return { kind: 'visit', id: visit.id, tenant: visit.tenant, value: visit, expected } as const;
}

function noLink(cause?: unknown): AppError {
  const message = 'This link was used or has expired: go back to the app and begin again.';
  return new AppError('unauthorized', message, { cause });
}
