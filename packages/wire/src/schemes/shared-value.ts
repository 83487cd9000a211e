import { digest, equalText } from '#crypto';
import { utf8 } from '../encoding.ts';
import { firstIndex, type MaybePromise, whenReady } from '../maybe-promise.ts';
import { type Secret, secretBytes } from '../secret.ts';
import { described, parseBody } from './body.ts';
import {
  accepted,
  type ComposedEvent,
  type Described,
  missing,
  refused,
  type Scheme,
  type SignedRequest,
  type Verification,
} from './scheme.ts';

/**
 * Schemes in which the sender shows a secret instead of signing with it: in a header, or in the URL
 * itself. They prove who sent a request, not that its body is what was sent.
 */

interface SharedKey {
  /** Digests are compared: equal in length, whatever the guess. */
  readonly digest: MaybePromise<string>;
}

/** The accepted key's index of one of the given values; -1 = none. At most 16 are looked at. */
function findShared(values: readonly string[], keys: readonly SharedKey[]): MaybePromise<number> {
  const guesses = values.slice(0, VALUES_MAX).map((value) => digest('sha256', utf8(value), 'hex'));
  return firstIndex(keys, (key) =>
    whenReady(key.digest, (expected) => {
      const found = firstIndex(guesses, (guess) =>
        whenReady(guess, (given) => equalText(given, expected)),
      );
      return whenReady(found, (index) => index !== -1);
    }),
  );
}

const VALUES_MAX = 16;

function importShared(secret: Secret): SharedKey {
  return { digest: digest('sha256', secretBytes(secret), 'hex') };
}

/** How the sender writes an event. */
interface Format {
  describe(request: SignedRequest): Described;
  compose?: ((event: ComposedEvent) => unknown) | undefined;
}

export interface HeaderOptions {
  readonly name: string;
  /** Stands before the secret: `Bearer `. */
  readonly prefix?: string | undefined;
}

interface SharedHeader extends HeaderOptions, Format {
  readonly scheme: string;
  readonly signedHeaders?:
    | ((input: { id: string; type?: string | undefined }) => object)
    | undefined;
}

export function sharedHeader(options: SharedHeader): Scheme {
  const { scheme, name, prefix = '', describe, signedHeaders, compose } = options;
  return {
    name: scheme,
    importSecret: importShared,
    verify: ({ headers }, { keys }): MaybePromise<Verification> => {
      const value = headers.get(name);
      if (value === undefined) return missing(name);
      const given = value.startsWith(prefix) ? [value.slice(prefix.length)] : [];
      return whenReady(findShared(given, keys as readonly SharedKey[]), (keyIndex) =>
        keyIndex === -1
          ? refused('signature_mismatch', `the value of ${name} is not the secret`, {
              hint: `is the same secret set as header ${name} on the sender's side?`,
            })
          : accepted({ scheme, id: undefined, sentAt: undefined, keyIndex }),
      );
    },
    sign: ({ secret, id, type }) => ({
      [name]: prefix + new TextDecoder().decode(secretBytes(secret)),
      ...signedHeaders?.({ id, type }),
    }),
    describe,
    compose: (event) => compose?.(event),
  };
}

/**
 * A secret in a header, for senders that sign nothing.
 *
 * @example schemes.header({ name: 'authorization', prefix: 'Bearer ' })
 */
export function header({ name, prefix }: HeaderOptions): Scheme {
  return sharedHeader({
    scheme: 'header',
    name,
    prefix,
    describe: (request) => described({ payload: parseBody(request) }),
  });
}

interface SecretUrl extends Format {
  readonly scheme: string;
}

/** The secret is a segment of the path or a value of the query of the URL that was registered. */
export function secretUrl({ scheme, describe, compose }: SecretUrl): Scheme {
  return {
    name: scheme,
    importSecret: importShared,
    verify: ({ url }, { keys }): MaybePromise<Verification> => {
      if (url === undefined) {
        return refused('missing_header', 'the URL of the request is not known', {
          hint: 'pass { url } to verify(): the secret is a part of it',
        });
      }
      const { pathname, searchParams } = new URL(url, 'http://receiver.invalid');
      // Last first: what is registered is usually a secret behind the path of the route.
      const values = [...searchParams.values(), ...pathname.split('/').filter(Boolean).reverse()];
      return whenReady(findShared(values, keys as readonly SharedKey[]), (keyIndex) =>
        keyIndex === -1
          ? refused('signature_mismatch', 'no part of the URL is the secret', {
              hint: 'register https://…/<secret> with the sender, and mount the route with a parameter',
            })
          : accepted({ scheme, id: undefined, sentAt: undefined, keyIndex }),
      );
    },
    // A URL is not a header: tests put the secret into the URL they call.
    sign: () => ({}),
    describe,
    compose: (event) => compose?.(event),
  };
}
