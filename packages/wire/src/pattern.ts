/**
 * Event type patterns: `*` stands for any run of characters, everything else for itself. Matching is
 * linear in the type's length; there are no regular expressions a tenant could make slow.
 */
export function matchesPattern(pattern: string, type: string): boolean {
  const parts = pattern.split('*');
  const first = parts[0] as string;
  if (parts.length === 1) return first === type;
  const last = parts[parts.length - 1] as string;
  if (type.length < first.length + last.length) return false;
  if (!type.startsWith(first) || !type.endsWith(last)) return false;
  let at = first.length;
  const end = type.length - last.length;
  for (const part of parts.slice(1, -1)) {
    const found = type.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

export function isPattern(text: string): boolean {
  return text.includes('*');
}
