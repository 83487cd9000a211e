/** The schemes whose requests can be told by their headers: what a person may choose from. */
export const SIGNATURE_SCHEMES = [
  'stripe',
  'github',
  'slack',
  'shopify',
  'gitlab',
  'logto',
  'ferriskey',
  'standard',
] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];
