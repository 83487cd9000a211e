/** Addresses are written with and without a slash at their end. */
export function withoutSlash(address: string): string {
  return address.replace(/\/+$/, '');
}

/** What stands in front of every path of ours: '' unless a proxy serves us below one. */
export function basePath(publicUrl: string): string {
  return withoutSlash(new URL(publicUrl).pathname);
}
