/** Headers whose values may be passwords: sealed at rest, masked when read. FerrisKey is no key. */
const SENSITIVE = /auth|cookie|token|secret|(?<!ferris)key|password/i;

export function isSensitiveHeader(name: string): boolean {
  return SENSITIVE.test(name);
}
