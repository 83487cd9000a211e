export { anyOf } from './any-of.ts';
export { hmac } from './hmac.ts';
export { none } from './none.ts';
export { caisy, cand, casdoor, ferriskey, logto } from './seeds.ts';
export { github, gitlab, shopify, slack, stripe } from './services.ts';
export { header } from './shared-value.ts';
export { standard } from './standard.ts';
