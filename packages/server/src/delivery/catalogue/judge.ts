import type { EventDraft } from '@posthorn/wire';
import { AppError, unreachable } from '../../core/errors.ts';
import type { JsonObject, SchemaProblem } from '../../core/json-schema.ts';
import type { EventType, TenantId } from '../../core/model.ts';
import { type EventTypeHead, eventTypeId } from '../../store/catalogue-index.ts';
import type { ConfigView } from '../../store/config-view.ts';
import type { ConfigStore } from '../../store/store.ts';
import type { Checked, SchemaChecker } from './checker.ts';

export const FINDING_CODES = ['unknown_type', 'archived_type', 'schema', 'unchecked'] as const;

/** Why an event is not what the catalogue says. */
export interface Finding {
  readonly code: (typeof FINDING_CODES)[number];
  /** A sentence. */
  readonly message: string;
  /** What does not fit, as `data.user.email`; empty unless the code is `schema`. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}

/** Of data that nobody posted: a sentence, '' if it fits. */
export interface Compared extends Omit<Finding, 'code'> {
  readonly type: string;
  readonly fits: boolean;
}

export interface EventJudgeOptions {
  readonly view: ConfigView;
  readonly store: Pick<ConfigStore, 'read'>;
  readonly checker: SchemaChecker;
  /** An event with this id is stored: it is only posted again. */
  readonly isStored: (tenant: TenantId, id: string) => Promise<boolean>;
  readonly found?: (mode: 'warn' | 'refuse', finding: Finding) => void;
}

/**
 * Compares posted events with the catalogue of their tenant, where the tenant asks for it. What was
 * accepted once is never refused: the same event again must get the same answer.
 */
export class EventJudge {
  readonly #o: EventJudgeOptions;

  constructor(options: EventJudgeOptions) {
    this.#o = options;
  }

  /**
   * What to warn of, by the events' places; undefined = nothing is looked at, which most publishing
   * learns without waiting. Rejects with `event_invalid` where events that do not fit are refused.
   */
  judge(
    tenant: TenantId,
    drafts: readonly EventDraft[],
  ): Promise<(Finding | undefined)[]> | undefined {
    const mode = this.#o.view.inherited(tenant, 'validation') ?? 'off';
    return mode === 'off' ? undefined : this.#judge(mode, tenant, drafts);
  }

  /** What came from somewhere else; undefined = the catalogue says nothing of its data. */
  async compare(
    tenant: TenantId,
    { type, data }: Pick<EventDraft, 'type' | 'data'>,
  ): Promise<Compared | undefined> {
    const { view } = this.#o;
    if (!view.catalogue.find(view.lineage(tenant), type)?.hasSchema) return undefined;
    const finding = await this.#look('warn', tenant, { type, data });
    const { message = '', errors = [] } = finding ?? {};
    return { type, fits: finding === undefined, message, errors };
  }

  async #judge(
    mode: 'warn' | 'refuse',
    tenant: TenantId,
    drafts: readonly EventDraft[],
  ): Promise<(Finding | undefined)[]> {
    const findings = await Promise.all(drafts.map((draft) => this.#look(mode, tenant, draft)));
    for (const [index, finding] of findings.entries()) {
      const draft = drafts[index];
      if (!finding || !draft) continue;
      const again =
        mode === 'refuse' && draft.id !== undefined && (await this.#o.isStored(tenant, draft.id));
      if (again) {
        findings[index] = undefined;
        continue;
      }
      this.#o.found?.(mode, finding);
      if (mode === 'refuse') throw refusal(finding, drafts.length > 1 ? index : undefined);
    }
    return findings;
  }

  async #look(
    mode: 'warn' | 'refuse',
    tenant: TenantId,
    { type, data }: Pick<EventDraft, 'type' | 'data'>,
  ): Promise<Finding | undefined> {
    const { view, checker } = this.#o;
    const head = view.catalogue.find(view.lineage(tenant), type);
    if (!head) return unknownType(type);
    if (head.archived) return archivedType(type);
    if (!head.hasSchema) return undefined;
    const checked = await checker.check({
      tenant,
      owner: head.tenant,
      key: `${eventTypeId(head.tenant, type)}@${head.version}`,
      schema: () => this.#schema(head),
      data,
    });
    if (checked.kind === 'busy' && mode === 'refuse') {
      throw new AppError('overloaded', BUSY, { retryAfterS: 1 });
    }
    return findingOf(checked, type);
  }

  async #schema({ tenant, name }: EventTypeHead): Promise<JsonObject | undefined> {
    const item = await this.#o.store.read('event-type', eventTypeId(tenant, name));
    return (item?.value as EventType | undefined)?.schema ?? undefined;
  }
}

const BUSY = 'Events arrive faster than they can be checked. Retry shortly.';

function findingOf(checked: Checked, type: string): Finding | undefined {
  switch (checked.kind) {
    case 'fits':
      return undefined;
    case 'unfit': {
      const errors = checked.problems.map(asField);
      const [first] = errors;
      const rest = errors.length > 1 ? `, and ${errors.length - 1} more` : '';
      const message = `${first?.path} ${first?.message}${rest} (schema of ${type}).`;
      return { code: 'schema', message, errors };
    }
    case 'unusable': {
      const message = `The schema of ${type} could not be used: ${checked.message}.`;
      return { code: 'unchecked', message, errors: [] };
    }
    case 'busy':
      return { code: 'unchecked', message: BUSY, errors: [] };
    default:
      return unreachable(checked);
  }
}

/** As other problems name fields: `data.user.email`. */
function asField({ path, message }: SchemaProblem): { path: string; message: string } {
  const dotted = path.replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~');
  return { path: `data${dotted}`, message };
}

function unknownType(type: string): Finding {
  const message = `There is no event type ${type} in the catalogue: add it, or correct the type.`;
  return { code: 'unknown_type', message, errors: [] };
}

function archivedType(type: string): Finding {
  const message = `The event type ${type} is archived: post another type, or bring it back.`;
  return { code: 'archived_type', message, errors: [] };
}

function refusal({ code, message, errors }: Finding, index: number | undefined): AppError {
  const details = {
    reason: code,
    field: code === 'schema' || code === 'unchecked' ? 'data' : 'type',
    ...(index === undefined ? {} : { index }),
    ...(errors.length > 0 ? { errors } : {}),
  };
  const event = index === undefined ? '' : `event ${index}: `;
  return new AppError('event_invalid', event + message, { details });
}
