/** Where a person left off; a preference of this browser, not a right. */
const KEY = 'posthorn:tenant';

export function rememberTenant(tenant: string): void {
  localStorage.setItem(KEY, tenant);
}

export function lastTenant(): string | undefined {
  return localStorage.getItem(KEY) ?? undefined;
}
