import { AppError } from '../../core/errors.ts';
import { sameText, sha256Hex } from '../../core/hash.ts';
import type { KeyId, KeyScope, Ms, Session, SessionId, TenantId, Theme } from '../../core/model.ts';
import { type ConfigWriter, isConflict, notFound } from '../../store/config-writer.ts';
import type { ConfigItem, ConfigStore } from '../../store/store.ts';

const MINUTE_MS = 60_000;
/** How long a link waits, and how long what it opens is good for. */
const LIFE_MS = {
  operator: { link: 60 * MINUTE_MS, session: 7 * 24 * 60 * MINUTE_MS },
  portal: { link: 10 * MINUTE_MS, session: 60 * MINUTE_MS },
} as const;

/** Of one tenant, and of operators; the oldest end when there would be more. */
const SESSIONS_MAX = 100;
const LIST_MAX = 200;
const TOKEN = /^phl_([0-9a-hjkmnp-tv-z]{26})[\w-]{43}$/;

export interface SessionGrant {
  /** null = an operator: every tenant. */
  readonly tenant: TenantId | null;
  readonly scopes: readonly KeyScope[];
  readonly madeBy: KeyId | null;
  readonly theme: Theme | null;
}

export interface Opened {
  readonly session: Session;
  /** Shown once; only its hash is kept. */
  readonly bearer: string;
}

export interface SessionsOptions {
  readonly store: ConfigStore;
  readonly ids: { session(now: Ms): SessionId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
}

/**
 * Who is at the dashboard.
 *
 *     link ──open, once──▶ bearer ──revoked, or its time, or its key's end──▶ ended
 *
 * Ended ones stay until the next session of the same tenant is made, so that every node hears of the
 * end before the store forgets it.
 */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #writer: ConfigWriter;

  constructor(options: SessionsOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** A link's token; `open` takes it once. */
  async createLink(grant: SessionGrant): Promise<{ session: Session; token: string }> {
    const id = this.#options.ids.session(this.#options.now());
    const token = `phl_${id.slice(4)}${this.#secret()}`;
    const session = this.#make(id, grant, { hash: sha256Hex(token), opened: false });
    await this.#add(session);
    return { session, token };
  }

  /** A session without a link, for who has shown a key. */
  async create(grant: SessionGrant): Promise<Opened> {
    const bearer = `phs_${this.#secret()}`;
    const id = this.#options.ids.session(this.#options.now());
    const session = this.#make(id, grant, { hash: sha256Hex(bearer), opened: true });
    await this.#add(session);
    return { session, bearer };
  }

  /** Rejects `unauthorized`: the same for a wrong, used, revoked and expired token. */
  async open(token: string): Promise<Opened> {
    const { now } = this.#options;
    const id = TOKEN.exec(token)?.[1];
    const item = id === undefined ? undefined : await this.#read(`ses_${id}`);
    const link = item?.value as Session | undefined;
    const fits = link && !link.opened && sameText(link.hash, sha256Hex(token));
    if (!item || !link || !fits || link.expiresAt <= now()) throw noLink();
    const bearer = `phs_${this.#secret()}`;
    const at = now();
    const session: Session = {
      ...link,
      opened: true,
      hash: sha256Hex(bearer),
      expiresAt: at + LIFE_MS[kindOf(link)].session,
    };
    try {
      // With the version that was read: of two who open at once, one gets a conflict.
      await this.#writer.put([change(session, item.version)]);
    } catch (error) {
      throw isConflict(error) ? noLink(error) : error;
    }
    return { session, bearer };
  }

  /** Sessions and links that have not ended, newest first. */
  async list(
    tenant: TenantId | null | undefined,
    page: { readonly limit: number; readonly after: string | undefined },
  ): Promise<{ items: Session[]; next: string | undefined }> {
    const { store, now } = this.#options;
    const found = await store.list('session', { ...page, tenant: tenant === null ? '' : tenant });
    const at = now();
    const items = found.items.map(({ value }) => value as Session);
    return { items: items.filter((session) => session.expiresAt > at), next: found.next };
  }

  /** `tenant` undefined = whosever it is. Rejects `not_found` for what has ended. */
  async end(id: string, tenant?: TenantId): Promise<void> {
    const { now } = this.#options;
    await this.#writer.write<Session>({
      kind: 'session',
      id,
      version: undefined,
      next: (session) => {
        const foreign = tenant !== undefined && session?.tenant !== tenant;
        if (!session || foreign || session.expiresAt <= now()) throw notFound('session');
        return { tenant: session.tenant ?? '', value: ended(session, now()) };
      },
    });
  }

  #make(
    id: SessionId,
    grant: SessionGrant,
    { hash, opened }: Pick<Session, 'hash' | 'opened'>,
  ): Session {
    const createdAt = this.#options.now();
    const life = LIFE_MS[kindOf(grant)];
    const expiresAt = createdAt + (opened ? life.session : life.link);
    return { ...grant, id, hash, opened, createdAt, expiresAt };
  }

  async #add(session: Session): Promise<void> {
    const { store, now } = this.#options;
    const tenant = session.tenant ?? '';
    const { items } = await store.list('session', { tenant, limit: LIST_MAX, after: undefined });
    const at = now();
    const isLive = (item: ConfigItem) => (item.value as Session).expiresAt > at;
    const surplus = items.filter(isLive).slice(SESSIONS_MAX - 1);
    const ends = surplus.map(({ value }) => change(ended(value as Session, at), undefined));
    await this.#writer.putOnce([change(session, 0), ...ends]);
    const gone = items.filter((item) => !isLive(item)).map((item) => item.id);
    if (gone.length > 0) await store.forget('session', gone);
  }

  #read(id: string): Promise<ConfigItem | undefined> {
    return this.#options.store.read('session', id);
  }

  #secret(): string {
    return Buffer.from(this.#options.random(32)).toString('base64url');
  }
}

function kindOf({ tenant }: Pick<Session, 'tenant'>): keyof typeof LIFE_MS {
  return tenant === null ? 'operator' : 'portal';
}

function ended(session: Session, now: Ms): Session {
  return { ...session, expiresAt: now };
}

function change(session: Session, expected: number | undefined) {
  const { id, tenant } = session;
  return { kind: 'session', id, tenant: tenant ?? '', value: session, expected } as const;
}

function noLink(cause?: unknown): AppError {
  const message = 'This link was used or has expired: ask for a new one.';
  return new AppError('unauthorized', message, { cause });
}
