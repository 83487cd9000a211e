import { parseQuery, QueryError } from '@posthorn/wire';
import { AppError } from '../core/errors.ts';
import type { Answer, Inbox, InboxId, InboxName, Reply, Rule } from '../core/inbox.ts';
import type { ApiKey, Ms, TenantId } from '../core/model.ts';
import { slotOf } from '../core/routing.ts';
import {
  type ConfigWriter,
  deletion,
  everyItem,
  invalid,
  notFound,
  type Versioned,
} from '../store/config-writer.ts';
import type { CaptureStore } from '../store/inbox.ts';
import type { ConfigChange, ConfigStore } from '../store/store.ts';
import { nameProblem, randomName } from './names.ts';
import { replyHeaderProblem } from './reply-headers.ts';
import { parseTemplate, TemplateError } from './template.ts';
import type { InboxView } from './view.ts';

/** For so long after it was released nobody but its last owner gets a name. */
export const QUARANTINE_MS: Ms = 30 * 86_400_000;

/** They lie in memory on every node. */
const RULES_CHARS_MAX = 262_144;
const RULE_ID_CHARS = 10;

export type InboxSettings = Pick<Inbox, 'title' | 'answer' | 'handshakes' | 'keep' | 'signing'>;
export type InboxPatch = Partial<InboxSettings & Pick<Inbox, 'name'>>;

export interface InboxAddress {
  readonly tenant: TenantId;
  readonly id: InboxId;
  /** The version the caller saw; undefined = whatever is there. */
  readonly version?: number | undefined;
}

export interface InboxesOptions {
  readonly store: ConfigStore;
  readonly captures: CaptureStore;
  readonly view: InboxView;
  readonly ids: { inbox(now: Ms): InboxId };
  readonly now: () => Ms;
  readonly random: (count: number) => Uint8Array;
  readonly perTenantMax: number;
}

/** The verbs that make and change inboxes. */
export class Inboxes {
  readonly #options: InboxesOptions;
  readonly #writer: ConfigWriter;

  constructor(options: InboxesOptions, writer: ConfigWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** `name` null = a random one. Rejects `conflict` for a taken name and at the tenant's bound. */
  async create(
    tenant: TenantId,
    settings: InboxSettings & { readonly name: string | null },
  ): Promise<Versioned<Inbox>> {
    const { ids, now, random, view, perTenantMax } = this.#options;
    await this.#writer.read('tenant', tenant);
    checkAnswer(settings.answer);
    if (view.count(tenant) >= perTenantMax) {
      const message = `The tenant has ${perTenantMax} inboxes, which is its bound: delete one first.`;
      throw new AppError('conflict', message);
    }
    const at = now();
    const id = ids.inbox(at);
    const name = settings.name ?? randomName(random);
    const value: Inbox = { ...settings, id, tenant, name, rules: [], createdAt: at, updatedAt: at };
    const claims = settings.name === null ? [] : [await this.#claim(name, { tenant, id })];
    const change = { kind: 'inbox', id, tenant, value, expected: 0 } as const;
    return this.#writer.putOnce([change, ...claims]) as Promise<Versioned<Inbox>>;
  }

  async update(
    address: InboxAddress,
    patch: (current: Inbox) => InboxPatch,
  ): Promise<Versioned<Inbox>> {
    const found = await this.#read(address);
    const changes = patch(found.value);
    if (changes.answer) checkAnswer(changes.answer);
    const names =
      changes.name !== undefined && changes.name !== found.value.name
        ? [await this.#claim(changes.name, address), ...(await this.#release(found.value))]
        : [];
    return this.#put(found, { ...found.value, ...changes }, names);
  }

  /** The whole list; rules keep the ids they come with, new ones get one. */
  async setRules(
    address: InboxAddress,
    rules: readonly (Omit<Rule, 'id'> & { readonly id: string | undefined })[],
  ): Promise<Versioned<Inbox>> {
    const found = await this.#read(address);
    const known = new Set(found.value.rules.map(({ id }) => id));
    const next = rules.map((rule, index) => {
      if (rule.id !== undefined && !known.has(rule.id)) {
        throw invalid(
          `rules.${index}.id`,
          'is not a rule of this inbox: leave it out for a new one',
        );
      }
      return { ...rule, id: rule.id ?? randomName(this.#options.random).slice(0, RULE_ID_CHARS) };
    });
    if (new Set(next.map(({ id }) => id)).size < next.length) {
      throw invalid('rules', 'name one id twice');
    }
    checkRules(next);
    return this.#put(found, { ...found.value, rules: next }, []);
  }

  async delete(address: InboxAddress): Promise<void> {
    const { value, version } = await this.#read(address);
    const { id, tenant } = value;
    const gone = { kind: 'inbox', id, tenant, value: null, expected: version } as const;
    const keys = await this.#keysOf(value);
    await this.#writer.putOnce([gone, ...(await this.#release(value)), ...keys]);
    await this.#options.captures.keep({ slot: slotOf(tenant), inbox: id }, null);
  }

  async #put(
    { value: before, version }: Versioned<Inbox>,
    next: Inbox,
    others: readonly ConfigChange[],
  ): Promise<Versioned<Inbox>> {
    const { id, tenant } = before;
    const value: Inbox = { ...next, updatedAt: this.#options.now() };
    const change = { kind: 'inbox', id, tenant, value, expected: version } as const;
    const written = (await this.#writer.putOnce([change, ...others])) as Versioned<Inbox>;
    const key = { slot: slotOf(tenant), inbox: id };
    if (next.keep !== before.keep) await this.#options.captures.keep(key, next.keep);
    return written;
  }

  async #read({ tenant, id, version }: InboxAddress): Promise<Versioned<Inbox>> {
    const item = await this.#options.store.read('inbox', id);
    const value = item?.value as Inbox | null | undefined;
    if (!item || value?.tenant !== tenant) throw notFound('inbox');
    if (version !== undefined && version !== item.version) {
      throw new AppError('conflict', 'The inbox was changed meanwhile: read it again.');
    }
    return { value, version: item.version };
  }

  /** Keys that are good for nothing else go with it. */
  async #keysOf({ id, tenant }: Inbox): Promise<ConfigChange[]> {
    const found: ConfigChange[] = [];
    for await (const item of everyItem(this.#options.store, 'key', tenant)) {
      if ((item.value as ApiKey).only?.inbox === id) found.push(deletion(item, undefined));
    }
    return found;
  }

  async #claim(name: string, owner: Pick<InboxAddress, 'tenant' | 'id'>): Promise<ConfigChange> {
    const problem = nameProblem(name);
    if (problem !== undefined) throw invalid('name', problem);
    const item = await this.#options.store.read('inbox-name', name);
    const held = item?.value as InboxName | null | undefined;
    const free =
      !held ||
      (held.inbox === null &&
        (held.tenant === owner.tenant ||
          (held.releasedAt ?? 0) <= this.#options.now() - QUARANTINE_MS));
    // The same for a name in use and one that rests: who had it is nobody's business.
    if (!free) throw new AppError('conflict', `The name ${name} is taken: choose another.`);
    const { tenant, id } = owner;
    const value: InboxName = { tenant, inbox: id, releasedAt: null };
    return { kind: 'inbox-name', id: name, tenant, value, expected: item?.version ?? 0 };
  }

  /** Of a random name there is nothing to release: nobody can choose it. */
  async #release({ name, tenant }: Inbox): Promise<ConfigChange[]> {
    const item = await this.#options.store.read('inbox-name', name);
    if (!item?.value) return [];
    const value: InboxName = { tenant, inbox: null, releasedAt: this.#options.now() };
    return [{ kind: 'inbox-name', id: name, tenant, value, expected: item.version }];
  }
}

function checkAnswer(answer: Answer, field = 'answer'): void {
  if (answer.kind === 'reply') checkReply(answer, field);
  else checkReply(answer.fallback, `${field}.fallback`);
}

function checkRules(rules: readonly Rule[]): void {
  if (JSON.stringify(rules).length > RULES_CHARS_MAX) {
    throw invalid('rules', `are longer than ${RULES_CHARS_MAX} characters of JSON in all`);
  }
  for (const [index, { when, answer }] of rules.entries()) {
    checkAnswer(answer, `rules.${index}.answer`);
    try {
      if (when.query !== null) parseQuery(when.query);
    } catch (error) {
      if (!(error instanceof QueryError)) throw error;
      throw new AppError('invalid_request', `rules.${index}.when.query: ${error.message}`, {
        details: { field: `rules.${index}.when.query` },
      });
    }
  }
}

function checkReply(reply: Reply, field: string): void {
  try {
    parseTemplate(reply.body);
  } catch (error) {
    if (error instanceof TemplateError) throw invalid(`${field}.body`, error.message);
    throw error;
  }
  for (const [index, { name, value }] of reply.headers.entries()) {
    const problem = replyHeaderProblem(name, value);
    if (problem !== undefined) throw invalid(`${field}.headers.${index}`, problem);
  }
}
