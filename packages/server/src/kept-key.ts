import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ClientConfig, loadClientConfig, loadConfig } from './config.ts';

/**
 * Commands on the server's machine need no key: a server keeps its first admin key in its data
 * directory, and beside it where it is. Whoever is elsewhere never gets that key.
 */

const KEY_FILE = 'admin-key';
const ADDRESS_FILE = 'address';

export function keyFile(directory: string): string {
  return join(directory, KEY_FILE);
}

/** `urls`: where people reach the server. */
export function keepAddress(directory: string, urls: readonly string[]): void {
  writeFileSync(join(directory, ADDRESS_FILE), `${urls.join('\n')}\n`, { mode: 0o600 });
}

/** What a command was given, and for want of a key the one that this machine keeps for the URL. */
export function clientConfig(flags: Readonly<Record<string, unknown>>): ClientConfig {
  const config = loadClientConfig({ flags });
  return { ...config, key: config.key ?? keptKey(config.url) };
}

function keptKey(url: string): string | undefined {
  for (const command of ['dev', 'serve'] as const) {
    const { dataDirectory } = loadConfig({ command });
    const [key, address] = [KEY_FILE, ADDRESS_FILE].map((name) => join(dataDirectory, name));
    if (!key || !address || !existsSync(key) || !existsSync(address)) continue;
    const known = readFileSync(address, 'utf8').trim().split('\n');
    if (known.some((one) => originOf(one) === originOf(url))) {
      return readFileSync(key, 'utf8').trim();
    }
  }
  return undefined;
}

/** Of this machine's names for itself, one. */
function originOf(text: string): string {
  const { protocol, hostname, port } = new URL(text);
  const own = hostname === 'localhost' || hostname === '[::1]' || /^127\./.test(hostname);
  return `${protocol}//${own ? 'localhost' : hostname}:${port}`;
}
