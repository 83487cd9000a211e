import { fileURLToPath } from 'node:url';
import type { Config } from './config.ts';
import { type ReferenceFiles, readReference } from './http/reference.ts';
import { readSite, type SiteFiles } from './http/site.ts';
import type { Logger } from './telemetry.ts';

/** The pages that builds put beside this file: scripts/dashboard.js and scripts/reference.js. */
export function builtPages(
  config: Config,
  logger: Logger,
): { readonly dashboard: SiteFiles | undefined; readonly reference: ReferenceFiles | undefined } {
  const place = (name: string) => fileURLToPath(new URL(`./${name}/`, import.meta.url));
  const dashboard = config.dashboard ? readSite(place('dashboard')) : undefined;
  if (config.dashboard && !dashboard) {
    logger.warn({}, 'the dashboard is not built: npm run build makes it');
  }
  return { dashboard, reference: readReference(place('reference')) };
}
