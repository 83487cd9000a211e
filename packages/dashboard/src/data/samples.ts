import systems from 'virtual:samples';
import type { EventInput } from '@posthorn/api';
import { CUSTOM } from './custom-format.ts';
import type { EndpointRow } from './types.ts';

export interface Sample {
  readonly dialect: NonNullable<EndpointRow['dialect']>;
  /** Of the dialect `custom` alone. */
  readonly custom?: EndpointRow['custom'];
  readonly label: string;
  readonly event: EventInput;
}

const OURS: EventInput = {
  type: 'user.created',
  subject: 'u_1',
  data: { id: 'u_1', name: 'Alice', email: 'alice@example.com' },
};

/** One event for each dialect, ours first: what its own system would have posted. */
export const samples: readonly Sample[] = [
  { dialect: 'standard', label: 'Standard Webhooks', event: OURS },
  ...systems.flatMap((system): Sample[] =>
    system.dialect === 'casdoor'
      ? [system, { ...system, dialect: 'casdoor-docs', label: 'Casdoor (documented)' }]
      : [system],
  ),
  { dialect: 'raw', label: 'Raw', event: OURS },
  { dialect: 'custom', custom: CUSTOM, label: 'Custom', event: OURS },
];
