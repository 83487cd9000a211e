import type { LiveMessage } from '@posthorn/api';

/** What one connection has been told: attempts of the log up to a place, configuration up to a version. */
export interface Place {
  /** undefined = a place is asked for that this log does not know. */
  readonly attempt: string | undefined;
  readonly version: number;
}

export const HEARTBEAT = ': still here\n\n';
/** How long a browser waits before it connects again by itself. */
export const RETRY = 'retry: 2000\n\n';

export function frame(message: LiveMessage, place: Place): string {
  return `id: ${place.attempt ?? ''}.${place.version}\nevent: ${message.kind}\ndata: ${JSON.stringify(message)}\n\n`;
}

/** undefined = it was made by nobody here. */
export function parsePlace(text: string): Place | undefined {
  const [, attempt, version] = /^([0-9]{1,16})\.([0-9]{1,16})$/.exec(text) ?? [];
  return version === undefined ? undefined : { attempt, version: Number(version) };
}
