import type { TenantRow } from '../../data/types.ts';
import { type SendingDraft, sendingDraftOf, sendingOf } from '../webhooks/sending-draft.ts';

/** A tenant as it stands in the form of its settings. */
export interface TenantDraft extends SendingDraft {
  readonly name: string;
  readonly alias: string;
  readonly dialect: TenantRow['defaults']['dialect'];
  readonly validation: TenantRow['defaults']['validation'];
  readonly operationalEvents: TenantRow['defaults']['operationalEvents'];
  readonly title: string;
  readonly frameAncestors: readonly string[];
  readonly color: string;
  readonly scheme: 'auto' | 'light' | 'dark';
  readonly radius: string;
}

export function tenantDraftOf(tenant: TenantRow): TenantDraft {
  const { name, alias, defaults, portal } = tenant;
  const radius = portal?.theme.radius ?? null;
  return {
    ...sendingDraftOf(defaults),
    name,
    alias: alias ?? '',
    dialect: defaults.dialect,
    validation: defaults.validation,
    operationalEvents: defaults.operationalEvents,
    title: portal?.title ?? '',
    frameAncestors: portal?.frameAncestors ?? [],
    color: portal?.theme.color ?? '',
    scheme: portal?.theme.scheme ?? 'auto',
    radius: radius === null ? '' : String(radius),
  };
}

/** What is not in the form stays as it is: a tenant is replaced whole. */
export function tenantOf(draft: TenantDraft, before: TenantRow) {
  const mistakes: Record<string, string> = {};
  const { id: _, createdAt: _created, updatedAt: _updated, ...kept } = before;
  const theme = {
    color: draft.color === '' ? null : draft.color,
    scheme: draft.scheme,
    radius: draft.radius.trim() === '' ? null : Number(draft.radius),
  };
  const body = {
    ...kept,
    name: draft.name.trim(),
    alias: draft.alias.trim() === '' ? null : draft.alias.trim(),
    defaults: {
      ...kept.defaults,
      dialect: draft.dialect,
      validation: draft.validation,
      operationalEvents: draft.operationalEvents,
      ...sendingOf(draft, mistakes),
    },
    portal: { title: draft.title.trim(), frameAncestors: [...draft.frameAncestors], theme },
  };
  return { body, mistakes };
}
