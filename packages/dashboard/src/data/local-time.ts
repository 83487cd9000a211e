/** As `datetime-local` inputs have it: local, to the minute. */
export function toLocalTime(iso: string): string {
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** undefined = nothing was entered. */
export function fromLocalTime(local: string): string | undefined {
  return local === '' ? undefined : new Date(local).toISOString();
}
