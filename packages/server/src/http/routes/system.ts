import { openApiDocument } from '@posthorn/api';
import { type Handlers, Reply } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';

type Ids = 'getHealth' | 'getReadiness' | 'getMetrics' | 'getOpenApi';

export function systemRoutes(deps: HttpDeps): Pick<Handlers, Ids> {
  const { version } = deps;
  // Made when it is first asked for: it takes a quarter of the time that a start takes.
  let document: string | undefined;
  return {
    getHealth: () => ({ status: 'ok', version }),

    async getReadiness() {
      const readiness = await deps.ready();
      return new Reply(readiness.ok ? 200 : 503, JSON.stringify(readiness));
    },

    getMetrics: () => deps.metrics(),

    getOpenApi() {
      document ??= JSON.stringify(openApiDocument({ version }));
      return new Reply(200, document);
    },
  };
}
