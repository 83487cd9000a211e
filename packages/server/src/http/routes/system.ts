import { openApiDocument } from '@posthorn/api';
import { type Handlers, Reply } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'getHealth' | 'getReadiness' | 'getMetrics' | 'getOpenApi';

export function systemRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { version } = deps;
  // Made once: it depends on nothing but the program.
  const document = JSON.stringify(openApiDocument({ version }));
  return {
    getHealth: () => ({ status: 'ok', version }),

    async getReadiness() {
      const readiness = await deps.ready();
      return new Reply(readiness.ok ? 200 : 503, JSON.stringify(readiness));
    },

    getMetrics: () => deps.metrics(),

    getOpenApi: () => new Reply(200, document),
  };
}
