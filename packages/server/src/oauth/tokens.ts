import { sameText, sha256Hex } from '../core/hash.ts';
import type { Ms } from '../core/model.ts';
import type { App, Grant, Line } from '../core/oauth.ts';
import { type ConfigWriter, isConflict } from '../store/config-writer.ts';
import type { ConfigChange, ConfigItem, ConfigStore } from '../store/store.ts';
import type { Audit } from './audit.ts';
import { OAuthError } from './oauth-error.ts';
import {
  isSame,
  kept,
  makeToken,
  placeOf,
  provesChallenge,
  type Random,
  SPENT_MAX,
  type TokenKind,
  type TokenPlace,
} from './token-parts.ts';

export interface TokensOptions {
  readonly store: ConfigStore;
  readonly now: () => Ms;
  readonly random: Random;
  readonly audit: Audit;
}

export interface Issued {
  readonly grant: Grant;
  readonly scopes: readonly string[];
  readonly access: string;
  readonly refresh: string;
  /** undefined = a member agreed, and only for themselves. */
  readonly bot: string | undefined;
}

/** A code or token that is good, and what it is of. */
export interface Known {
  readonly kind: TokenKind;
  readonly grant: Grant;
  readonly line: Line;
  readonly expiresAt: Ms;
  readonly scopes: readonly string[];
}

interface Found {
  readonly item: ConfigItem;
  readonly grant: Grant;
  readonly line: Line;
  readonly place: TokenPlace;
}

/**
 *     code ──once, with its verifier──▶ access + refresh (+ bot) ──refresh──▶ the next of each
 *
 * A code or refresh token that comes a second time ends the line: one of the two who had it stole it.
 * Each step is one conditional write of the grant, so of two at once one wins on any number of nodes.
 */
export class Tokens {
  readonly #options: TokensOptions;
  readonly #writer: ConfigWriter;

  constructor(options: TokensOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** Throws `OAuthError`. */
  async redeem(
    app: App,
    of: { readonly code: string; readonly redirectUri: string; readonly verifier: string },
  ): Promise<Issued> {
    const found = await this.#find(of.code, 'code', app);
    const { line, place } = found;
    const { code } = line;
    if (!isSame(code, place.hash)) throw noGrant();
    if (code.redeemed) return this.#endReplayed(found, app);
    if (code.expiresAt <= this.#options.now()) throw noGrant();
    if (code.redirectUri !== of.redirectUri || !provesChallenge(of.verifier, code.challenge)) {
      throw noGrant();
    }
    const issued = this.#issue(found.grant, line, line.scopes);
    return this.#put(found, app, {
      ...issued,
      line: { ...issued.line, code: { ...code, redeemed: true } },
    });
  }

  /** `scopes` undefined = all of them. Throws `OAuthError`. */
  async refresh(
    app: App,
    of: { readonly token: string; readonly scopes: readonly string[] | undefined },
  ): Promise<Issued> {
    const found = await this.#find(of.token, 'refresh', app);
    const { line, place } = found;
    if (line.spent.some((hash) => sameText(hash, place.hash))) return this.#endReplayed(found, app);
    if (!isSame(line.refresh, place.hash)) throw noGrant();
    if ((line.refresh?.expiresAt ?? 0) <= this.#options.now()) throw noGrant();
    const scopes = of.scopes ?? line.scopes;
    if (!scopes.every((scope) => line.scopes.includes(scope))) {
      throw new OAuthError(
        'invalid_scope',
        'A refreshed token has no scope beyond what was agreed to.',
      );
    }
    const issued = this.#issue(found.grant, line, scopes);
    const spent = [...line.spent, place.hash].slice(-SPENT_MAX);
    return this.#put(found, app, { ...issued, line: { ...issued.line, spent } });
  }

  /**
   * A refresh token ends its line, an access or bot token itself. Nothing happens for what is none, or
   * another app's (RFC 7009).
   */
  async revoke(app: App, token: string): Promise<void> {
    const known = await this.known(token);
    if (known?.grant.app !== app.id || known.kind === 'code') return;
    await this.#writer.writeAll(async () => {
      const item = await this.#options.store.read('grant', known.grant.id);
      if (!item) return { changes: [], result: undefined };
      const grant = item.value as Grant;
      const lines = grant.lines.flatMap((line) => {
        if (line.id !== known.line.id) return line;
        return known.kind === 'refresh' ? [] : { ...line, [known.kind]: null };
      });
      return { changes: [grantChange(item, { ...grant, lines })], result: undefined };
    });
  }

  /** What a token is good for now; undefined = nothing. */
  async known(token: string): Promise<Known | undefined> {
    const place = placeOf(token);
    const item = place && (await this.#options.store.read('grant', place.grant));
    const grant = item?.value as Grant | undefined;
    const line = grant?.lines.find(({ id }) => id === place?.line);
    if (!place || !grant || !line || place.kind === 'code') return undefined;
    const held = line[place.kind];
    if (!held || !isSame(held, place.hash) || held.expiresAt <= this.#options.now())
      return undefined;
    const scopes = place.kind === 'access' ? (line.access?.scopes ?? []) : line.scopes;
    return { kind: place.kind, grant, line, expiresAt: held.expiresAt, scopes };
  }

  async #find(text: string, kind: TokenKind, app: App): Promise<Found> {
    const place = placeOf(text);
    if (place?.kind !== kind) throw noGrant();
    const item = await this.#options.store.read('grant', place.grant);
    const grant = item?.value as Grant | undefined;
    const line = grant?.lines.find(({ id }) => id === place.line);
    if (!item || !line || grant?.app !== app.id) throw noGrant();
    return { item, grant, line, place };
  }

  #issue(grant: Grant, line: Line, scopes: readonly string[]) {
    const { now, random } = this.#options;
    const of = { grant: grant.id, line: line.id, now: now(), random };
    const access = makeToken('access', of);
    const refresh = makeToken('refresh', of);
    const bot = grant.role === 'admin' ? makeToken('bot', of) : undefined;
    const next: Line = {
      ...line,
      access: { ...kept(access), scopes },
      refresh: kept(refresh),
      bot: bot ? kept(bot) : null,
    };
    return {
      line: next,
      issued: { grant, scopes, access: access.text, refresh: refresh.text, bot: bot?.text },
    };
  }

  async #put(found: Found, app: App, next: { line: Line; issued: Issued }): Promise<Issued> {
    const { grant, item } = found;
    const lines = grant.lines.map((line) => (line.id === next.line.id ? next.line : line));
    try {
      await this.#writer.put([grantChange(item, { ...grant, lines })]);
    } catch (error) {
      if (!isConflict(error)) throw error;
      return this.#again(found, app, next);
    }
    return next.issued;
  }

  /** The grant was changed meanwhile: was it this line? Then the token came twice at once. */
  async #again(found: Found, app: App, next: { line: Line; issued: Issued }): Promise<Issued> {
    const { item, line, place } = found;
    const now = await this.#options.store.read('grant', item.id);
    const grant = now?.value as Grant | undefined;
    const current = grant?.lines.find(({ id }) => id === line.id);
    if (!now || !grant || !current) throw noGrant();
    const fresh = { item: now, grant, line: current, place };
    if (JSON.stringify(current) !== JSON.stringify(line)) return this.#endReplayed(fresh, app);
    return this.#put(fresh, app, next);
  }

  async #endReplayed({ grant, line }: Found, app: App): Promise<never> {
    await this.#writer.writeAll(async () => {
      const item = await this.#options.store.read('grant', grant.id);
      const current = item?.value as Grant | undefined;
      const lines = current?.lines.filter(({ id }) => id !== line.id);
      if (!item || !current || lines?.length === current.lines.length) {
        return { changes: [], result: undefined };
      }
      const changes = [
        grantChange(item, { ...current, lines: lines ?? [] }),
        this.#options.audit.entry({
          tenant: grant.tenant,
          action: 'grant.replay_stopped',
          actor: { kind: 'app', id: app.id, name: app.name },
          app: { id: app.id, name: app.name },
          grant: grant.id,
          scopes: [],
        }),
      ];
      return { changes, result: undefined };
    });
    throw noGrant();
  }
}

/** Whether this is the secret of the app. */
export function isClientSecret(app: App, secret: string): boolean {
  return app.clientSecret !== null && sameText(app.clientSecret.hash, sha256Hex(secret));
}

function grantChange(item: ConfigItem, value: Grant): ConfigChange {
  const { id, tenant, version } = item;
  return { kind: 'grant', id, tenant, value, expected: version };
}

/** The same for a wrong, used, expired and foreign one: nobody learns which. */
function noGrant(): OAuthError {
  return new OAuthError(
    'invalid_grant',
    'The code or token is not valid here, was used, or has expired.',
  );
}
