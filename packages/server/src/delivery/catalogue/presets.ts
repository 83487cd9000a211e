import { presets } from '@posthorn/wire/catalogue';
import type { EventTypeEntry } from '../registry/event-types.ts';
import { OWN_EVENT_TYPES } from './own-event-types.ts';

/** A catalogue that a tenant can load. */
export interface Preset {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly eventTypes: readonly EventTypeEntry[];
}

/** Those of the systems whose formats are spoken, and our own. */
export const PRESETS: readonly Preset[] = [
  ...Object.values(presets),
  {
    name: 'posthorn',
    label: 'Posthorn',
    description:
      'What Posthorn tells of itself: webhooks that change or fail, deliveries given up.',
    eventTypes: OWN_EVENT_TYPES,
  },
];
