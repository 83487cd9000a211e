import { EXIT, type Output, table } from './cli/output.ts';
import type { Flags } from './cli/program.ts';
import { loadConfig } from './config.ts';
import { divide } from './store/postgres/divide.ts';
import { StoreError } from './store/store.ts';

/** `posthorn divide`: with the configuration that nodes will have. */
export async function runDivide(flags: Flags, output: Output): Promise<number> {
  const { databaseUrl, shardUrls, masterKey } = loadConfig({ command: 'serve' });
  if (databaseUrl === undefined || masterKey === undefined || shardUrls.length === 0) {
    output.note(
      'Set DATABASE_URL to the first database, POSTHORN_SHARDS to its copies in their order, and POSTHORN_MASTER_KEY.',
    );
    return EXIT.usage;
  }
  const json = flags['json'] === true;
  const progress = (shard: number, of: string) => {
    const line = { database: shard + 1, table: of };
    output.note(json ? JSON.stringify(line) : `database ${shard + 1}: ${of}`);
  };
  try {
    const kept = await divide({ urls: [databaseUrl, ...shardUrls], masterKey, progress });
    const rows = kept.map((counts, i) => [String(i + 1), ...Object.values(counts).map(String)]);
    const head = ['database', ...Object.keys(kept[0] ?? {})];
    output.data(
      { databases: kept },
      `${table([head, ...rows])}\n\nDivided, and as much as before. Start nodes with DATABASE_URL and POSTHORN_SHARDS as they are set now.`,
    );
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    output.note(error.message);
    if (error.kind === 'unavailable') output.note('Run it again: it goes on where it was.');
    return EXIT.failed;
  }
}
