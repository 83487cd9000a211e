/** Headers whose values may be passwords: sealed at rest, masked when read. */
const SENSITIVE = /auth|cookie|token|secret|key|password/i;

export function isSensitiveHeader(name: string): boolean {
  return SENSITIVE.test(name);
}
