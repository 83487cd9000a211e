import type { App, AppId, Grant, GrantId, Line } from '../core/oauth.ts';
import type { ConfigItem } from './store.ts';

/** Apps and grants in memory: by id, by app, and by the bot tokens that grants gave out. */
export class GrantIndex {
  readonly #apps = new Map<string, App>();
  readonly #grants = new Map<string, Grant>();
  readonly #byApp = new Map<AppId, Set<GrantId>>();
  readonly #bots = new Map<string, { readonly grant: Grant; readonly line: Line }>();

  app(id: string): App | undefined {
    return this.#apps.get(id);
  }

  apps(): Iterable<App> {
    return this.#apps.values();
  }

  grant(id: string): Grant | undefined {
    return this.#grants.get(id);
  }

  grantsOf(app: AppId): readonly GrantId[] {
    return [...(this.#byApp.get(app) ?? [])];
  }

  /** The caller looks at its end. */
  byBot(hash: string): { readonly grant: Grant; readonly line: Line } | undefined {
    return this.#bots.get(hash);
  }

  apply(item: ConfigItem): void {
    if (item.kind === 'app') {
      if (item.value) this.#apps.set(item.id, item.value as App);
      else this.#apps.delete(item.id);
      return;
    }
    const before = this.#grants.get(item.id);
    if (before) this.#drop(before);
    if (item.value) this.#keep(item.value as Grant);
  }

  #keep(grant: Grant): void {
    this.#grants.set(grant.id, grant);
    const ofApp = this.#byApp.get(grant.app) ?? new Set();
    this.#byApp.set(grant.app, ofApp.add(grant.id));
    for (const line of grant.lines) if (line.bot) this.#bots.set(line.bot.hash, { grant, line });
  }

  #drop(grant: Grant): void {
    this.#grants.delete(grant.id);
    const ofApp = this.#byApp.get(grant.app);
    ofApp?.delete(grant.id);
    if (ofApp?.size === 0) this.#byApp.delete(grant.app);
    for (const { bot } of grant.lines) if (bot) this.#bots.delete(bot.hash);
  }
}
