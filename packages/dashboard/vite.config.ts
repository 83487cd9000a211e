import { contractLines } from '@posthorn/api';
import { DIALECT_NAMES } from '@posthorn/wire';
import { presets } from '@posthorn/wire/catalogue';
import { SIGNATURE_SCHEMES } from '@posthorn/wire/explain';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** The contract as plain lines, so that the page needs neither the schemas nor zod. */
function contract(): Plugin {
  const id = 'virtual:contract';
  const module = [
    `export default ${JSON.stringify(contractLines())};`,
    `export const dialects = ${JSON.stringify(DIALECT_NAMES)};`,
    `export const schemes = ${JSON.stringify(SIGNATURE_SCHEMES)};`,
  ].join('\n');
  return {
    name: 'posthorn:contract',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? module : undefined),
  };
}

/** The event by which each system is known best; the rest of its catalogue stays at the server. */
const KNOWN_BY: Readonly<Record<string, string>> = {
  casdoor: 'signup',
  ferriskey: 'user.created',
  cand: 'product.created',
  logto: 'User.Created',
  caisy: 'document_update',
};

/** An event as each dialect's system would post it. */
function samples(): Plugin {
  const id = 'virtual:samples';
  const all = Object.values(presets).map(({ name, label, eventTypes }) => {
    const event = eventTypes.find((type) => type.name === KNOWN_BY[name]) ?? eventTypes[0];
    return { dialect: name, label, event: { type: event?.name, ...event?.example } };
  });
  return {
    name: 'posthorn:samples',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? `export default ${JSON.stringify(all)};` : undefined),
  };
}

export default defineConfig({
  plugins: [react(), contract(), samples()],
  // Relative, because the server may be below a path; it makes the page's own addresses absolute.
  base: './',
  resolve: { conditions: ['@posthorn/source', 'browser', 'module', 'import', 'default'] },
  html: { cspNonce: '__NONCE__' },
  build: {
    target: 'es2023',
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    sourcemap: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 800,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        chunkFileNames: 'assets/[name]-[hash].js',
        // Few files for the first view: what libraries and pages share, instead of one file each.
        codeSplitting: {
          groups: [
            { name: 'chart', test: /node_modules[\\/]uplot/ },
            {
              name: 'editor',
              test: /node_modules[\\/](?:@codemirror|@lezer|@marijn|style-mod|crelt|w3c-keyname)/,
            },
            { name: 'vendor', test: /node_modules/ },
            {
              name: 'app',
              test: /packages[\\/]dashboard[\\/]src[\\/](?:app|data|parts|strings)/,
              minShareCount: 2,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:4400' } },
});
