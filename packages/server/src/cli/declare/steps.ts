import type { Endpoint } from '@posthorn/api';
import type { FieldChange } from './differences.ts';
import type { EndpointEntry, Listed, TenantSettings, TypeEntry } from './manifest.ts';
import type { Path } from './yaml-file.ts';

/** What has to change on a server so that it has what a file says. */

type EndpointId = Endpoint['id'];

export interface Step {
  readonly kind: 'tenant' | 'event-type' | 'endpoint';
  readonly tenant: string;
  /** By which people find it in the file. */
  readonly name: string;
  readonly change: 'create' | 'update' | 'delete' | 'unchanged';
  /** Of an update. */
  readonly fields: readonly FieldChange[];
}
export interface TenantStep extends Step {
  readonly kind: 'tenant';
  readonly path: Path;
  readonly settings: TenantSettings;
  /** That was seen; undefined = it is new. */
  readonly version: number | undefined;
}
export interface TypeStep extends Step, Listed<TypeEntry> {
  readonly kind: 'event-type';
}
export interface EndpointStep extends Step, Listed<EndpointEntry> {
  readonly kind: 'endpoint';
  /** undefined = it is new. */
  readonly id: EndpointId | undefined;
}
interface TypeDeletion extends Step {
  readonly kind: 'event-type';
  readonly change: 'delete';
}
interface EndpointDeletion extends Step {
  readonly kind: 'endpoint';
  readonly change: 'delete';
  readonly id: EndpointId;
}
export type Deletion = TypeDeletion | EndpointDeletion;

export interface TenantPlan {
  /** undefined = it is there, and the file says nothing of its settings. */
  readonly settings: TenantStep | undefined;
  readonly eventTypes: readonly TypeStep[];
  readonly endpoints: readonly EndpointStep[];
  readonly deletions: readonly Deletion[];
  /** Event types and endpoints that are not in the file and stay. */
  readonly left: number;
}
/** Parents before their children. */
export type Plan = readonly TenantPlan[];

/** In the order in which they are made. */
export function stepsOf(plan: Plan): Step[] {
  return plan.flatMap(({ settings, eventTypes, endpoints, deletions }) => [
    ...(settings ? [settings] : []),
    ...eventTypes,
    ...endpoints,
    ...deletions,
  ]);
}
