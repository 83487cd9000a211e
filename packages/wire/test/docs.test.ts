import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** Every block of TypeScript in docs/receiving compiles as it stands, against the real frameworks. */

const docs = fileURLToPath(new URL('../../../docs/receiving/', import.meta.url));
const wire = fileURLToPath(new URL('..', import.meta.url));
const tsc = fileURLToPath(new URL('../../../node_modules/typescript/bin/tsc', import.meta.url));

function blocks(): { name: string; code: string }[] {
  return readdirSync(docs).flatMap((page) => {
    const text = readFileSync(join(docs, page), 'utf8');
    return [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, code = ''], i) => ({
      name: `${page.replace('.md', '')}-${i + 1}.ts`,
      code,
    }));
  });
}

test('there is a page for each framework, and each has code', () => {
  const pages = new Set(blocks().map(({ name }) => name.replace(/-\d+\.ts$/, '')));
  for (const page of ['node', 'express', 'fastify', 'hono', 'fetch', 'next', 'koa', 'lambda']) {
    expect(pages).toContain(page);
  }
});

test('all of it compiles, strictly', () => {
  // Inside the package, so that its own name and the frameworks resolve.
  const directory = mkdtempSync(join(wire, '.typegen-docs-'));
  try {
    const files = blocks().map(({ name, code }) => {
      const file = join(directory, name);
      writeFileSync(file, code);
      return file;
    });
    const options = [
      '--ignoreConfig --noEmit --strict --skipLibCheck --target es2023 --lib es2023',
      '--noPropertyAccessFromIndexSignature --exactOptionalPropertyTypes --module nodenext',
      '--types node --customConditions @posthorn/source --allowImportingTsExtensions',
    ];
    execFileSync(process.execPath, [tsc, ...options.join(' ').split(' '), ...files], {
      encoding: 'utf8',
      stdio: 'pipe',
    });
  } catch (error) {
    throw new Error((error as { stdout?: string }).stdout ?? String(error));
  } finally {
    rmSync(directory, { recursive: true });
  }
});
