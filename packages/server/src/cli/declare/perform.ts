import type { Client } from '@posthorn/api';
import { asked, inChunks } from './chunks.ts';
import type { Manifest } from './manifest.ts';
import { oneCall } from './state.ts';
import type { Deletion, EndpointStep, Plan, Step, TenantStep, TypeStep } from './steps.ts';

export interface Performing {
  readonly client: Client;
  readonly manifest: Manifest;
  /** Called with what was done, as soon as it is. */
  readonly done: (steps: readonly Step[]) => void;
}

/** Makes the changes of a plan in their order, and stops at the first that is refused. */
export async function perform(plan: Plan, performing: Performing): Promise<void> {
  for (const { settings, eventTypes, endpoints, deletions } of plan) {
    if (settings && isChange(settings)) await putTenant(settings, performing);
    await putTypes(eventTypes.filter(isChange), performing);
    await putEndpoints(endpoints.filter(isChange), performing);
    for (const one of deletions) await remove(one, performing);
  }
}

function isChange({ change }: Step): boolean {
  return change !== 'unchanged';
}

async function putTenant(step: TenantStep, { client, manifest, done }: Performing): Promise<void> {
  const { tenant, path, settings, version } = step;
  const body = version === undefined ? settings : { ...settings, version };
  await asked({ list: undefined, listed: [{ path, value: settings }], manifest }, () =>
    client.putTenant({ tenant, body }, oneCall()),
  );
  done([step]);
}

async function putTypes(steps: readonly TypeStep[], performing: Performing): Promise<void> {
  const { client, manifest, done } = performing;
  for (const chunk of inChunks('eventTypes', steps)) {
    const [{ tenant }] = chunk;
    const body = { eventTypes: chunk.map(({ value }) => value) };
    await asked({ list: 'eventTypes', listed: chunk, manifest }, () =>
      client.putEventTypes({ tenant, body }, oneCall()),
    );
    done(chunk);
  }
}

async function putEndpoints(steps: readonly EndpointStep[], performing: Performing): Promise<void> {
  const { client, manifest, done } = performing;
  for (const chunk of inChunks('endpoints', steps)) {
    const [{ tenant }] = chunk;
    const endpoints = chunk.map(({ value, id }) => (id === undefined ? value : { ...value, id }));
    await asked({ list: 'endpoints', listed: chunk, manifest }, () =>
      client.putEndpoints({ tenant, body: { endpoints } }, oneCall()),
    );
    done(chunk);
  }
}

async function remove(step: Deletion, { client, done }: Performing): Promise<void> {
  const { kind, tenant, name } = step;
  if (kind === 'endpoint') await client.deleteEndpoint({ tenant, endpoint: step.id }, oneCall());
  else await client.deleteEventType({ tenant, type: name }, oneCall());
  done([step]);
}
