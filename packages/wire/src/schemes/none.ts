import { described, members, parseBody, text } from './body.ts';
import { accepted, type Scheme } from './scheme.ts';

/**
 * Verifies nothing: whoever knows the URL can send anything. For a private network or a first try;
 * the option is there so that nobody writes it by accident.
 */
export function none(_options: { readonly iUnderstand: true }): Scheme {
  return {
    name: 'none',
    needsSecret: false,
    importSecret: () => ({}),
    verify: () => accepted({ scheme: 'none', id: undefined, sentAt: undefined, keyIndex: 0 }),
    sign: () => ({}),
    describe: (request) => {
      const payload = parseBody(request);
      return described({ type: text(members(payload)['type']), payload });
    },
  };
}
