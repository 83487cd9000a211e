/**
 * The one policy that may turn a string into markup. Mantine writes style sheets that way; a string
 * without `<` can make text nodes only, so nothing that comes from a stranger becomes an element.
 */
interface PolicyFactory {
  createPolicy(name: string, rules: { createHTML(text: string): string }): unknown;
}

export function installTrustedTypes(): void {
  const { trustedTypes } = globalThis as { trustedTypes?: PolicyFactory };
  trustedTypes?.createPolicy('default', {
    createHTML(text) {
      if (text.includes('<')) throw new TypeError('markup is never made from text here');
      return text;
    },
  });
}
