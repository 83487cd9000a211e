import type { HeaderBag } from '../header-bag.ts';
import type { Scheme } from '../schemes/scheme.ts';
import { ferriskey, logto } from '../schemes/seeds.ts';
import { github, gitlab, shopify, slack, stripe } from '../schemes/services.ts';
import { standard } from '../schemes/standard.ts';
import { SIGNATURE_SCHEMES, type SignatureScheme } from './names.ts';

const BY_NAME: Readonly<Record<SignatureScheme, Scheme>> = {
  stripe: stripe(),
  github: github(),
  slack: slack(),
  shopify: shopify(),
  gitlab: gitlab(),
  logto: logto(),
  ferriskey: ferriskey(),
  standard: standard(),
};
/** The particular ones before the shared. */
const SENDERS = SIGNATURE_SCHEMES.map((name) => BY_NAME[name]);

/** The schemes to try; with a name, that one alone. Throws nothing: an unknown name is nobody's. */
export function sendersOf(name: string | undefined): readonly Scheme[] {
  return name === undefined ? SENDERS : SENDERS.filter((scheme) => scheme.name === name);
}

const SVIX = standard({ prefixes: ['svix'] });

/** The scheme in the form in which this request carries it, to sign with the same header names. */
export function asCarried(scheme: Scheme, headers: HeaderBag): Scheme {
  const svix = scheme.name === 'standard' && headers.get('webhook-signature') === undefined;
  return svix && headers.get('svix-signature') !== undefined ? SVIX : scheme;
}
