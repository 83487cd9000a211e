import { describe, test } from 'vitest';
import { erasureCases } from './suite/erasure.suite.ts';
import { durableIngestCases, ingestCases } from './suite/ingest.suite.ts';
import { durableJobCases, jobCases } from './suite/jobs.suite.ts';
import { durableLaneCases, laneCases } from './suite/lanes.suite.ts';
import { configCases, durableLogCases, logCases, retentionCases } from './suite/log.suite.ts';
import { durableNoticeCases, noticeCases } from './suite/notices.suite.ts';
import { commandCases, durableCommandCases, outcomeCases } from './suite/outcomes.suite.ts';
import { durablePurgeCases, purgeCases } from './suite/purge.suite.ts';
import { resendCases } from './suite/resend.suite.ts';
import { capCases, payloadCases } from './suite/retention.suite.ts';
import { searchCases } from './suite/search.suite.ts';
import { durableStatsCases, statsCases } from './suite/stats.suite.ts';
import { type Cases, type OpenStore, World } from './suite/world.suite.ts';

/**
 * What every engine of the store must do, under a virtual clock. `open` opens what its `directory`
 * names; an engine that forgets when it is closed says so with `durable: false`, and one whose size is
 * not ours to limit with `capped: false`.
 */
export function storeSuite(
  name: string,
  open: OpenStore,
  { durable = true, capped = true }: { durable?: boolean; capped?: boolean } = {},
): void {
  const groups: Record<string, Cases> = {
    ingest: ingestCases,
    lanes: laneCases,
    outcomes: outcomeCases,
    commands: commandCases,
    notices: noticeCases,
    resends: resendCases,
    jobs: jobCases,
    purges: purgeCases,
    log: logCases,
    retention: retentionCases,
    payloads: payloadCases,
    ...(capped ? { cap: capCases } : {}),
    erasure: erasureCases,
    statistics: statsCases,
    search: searchCases,
    configuration: configCases,
  };
  const reopening = {
    ...durableIngestCases,
    ...durableLaneCases,
    ...durableCommandCases,
    ...durableJobCases,
    ...durablePurgeCases,
    ...durableNoticeCases,
    ...durableLogCases,
    ...durableStatsCases,
  };
  describe(name, () => {
    for (const [group, cases] of Object.entries(groups)) describe(group, () => add(cases, open));
    if (durable) describe('opened again', () => add(reopening, open));
  });
}

function add(cases: Cases, open: OpenStore): void {
  for (const [title, run] of Object.entries(cases)) {
    test(title, async () => {
      await using world = new World(open);
      await world.open();
      await run(world);
    });
  }
}
