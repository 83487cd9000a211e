/** Before what is drawn over the line that stands there. */
export const CLEAR_LINE = '\r\u001b[2K';

const BAR_CHARS = 24;

/** How far something is, 0 to 1, for a terminal. */
export function progressBar(share: number): string {
  const full = Math.round(Math.min(1, share) * BAR_CHARS);
  const percent = String(Math.floor(Math.min(1, share) * 100)).padStart(3);
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CHARS - full)} ${percent} %`;
}
