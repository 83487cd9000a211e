import { Follower, REPLACED } from './store/follower.ts';
import { serveReader } from './store/remote.ts';
import { startCheckpoints } from './store/sqlite/checkpoint.ts';
import { openSqliteReader } from './store/sqlite/open-reader.ts';
import { systemClock } from './system-clock.ts';
import { createLogger } from './telemetry.ts';
import { parent } from './thread-port.ts';
import type { DataOf, ToReader } from './threads.ts';

/** Lists and search. Also follows the log and keeps it short: work on files that no commit should wait for. */
export async function open(data: DataOf<'reader'>): Promise<void> {
  const log = createLogger({ ...data.logger, stream: process.stdout });
  const replaced = (reason: string) => log.warn({ reason }, REPLACED);
  const reader = await openSqliteReader({ ...data, replaced });
  const stopCheckpoints = await startCheckpoints(data.directory, (err) =>
    log.warn({ err }, 'the log could not be moved into the database; it is tried again'),
  );
  const follower = new Follower({ stats: reader.stats, clock: systemClock, logger: log });
  parent.on('message', ({ busy }: ToReader) => follower.pressure(busy));
  follower.start();
  serveReader(data.port, {
    ...reader,
    async close() {
      stopCheckpoints();
      await follower.stop();
      await reader.close();
    },
  });
}
