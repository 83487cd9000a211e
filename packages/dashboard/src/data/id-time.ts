const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
/** Of the text behind the prefix: 48 bits of milliseconds, behind two that are zero. */
const TIME_CHARS = 10;

/** When the thing of this id was made (docs/decisions/0004-ids.md). */
export function timeOfId(id: string): number {
  const start = id.indexOf('_') + 1;
  let ms = 0;
  for (const char of id.slice(start, start + TIME_CHARS)) ms = ms * 32 + ALPHABET.indexOf(char);
  return ms;
}
