import { useNavigate } from '@tanstack/react-router';
import { useApi, useTenant } from '../../app/context.tsx';
import { nameOf } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { webhooks } from '../../strings/webhooks.ts';

const text = webhooks.detail;
const NAME_CHARS_MAX = 200;

/** A copy with a secret of its own, off, and open to be changed. */
export function useDuplicate(endpoint: EndpointRow) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  return useAction({
    run: () => {
      const name = text.copyOf(nameOf(endpoint)).slice(0, NAME_CHARS_MAX);
      return api.duplicateEndpoint({ tenant, endpoint: endpoint.id, body: { name } });
    },
    done: () => text.duplicated,
    touches: [[tenant, 'endpoints', 'list']],
    after: ({ id }) =>
      void navigate({
        to: '/$tenant/webhooks/$endpoint/edit',
        params: { tenant, endpoint: id },
      }),
  });
}

/** A copy that sends to somebody's machine; what the original shows its receiver stays at home. */
export function useDuplicateForDevelopment(endpoint: EndpointRow) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  return useAction({
    run: (url: string) => {
      const name = text.developmentOf(nameOf(endpoint)).slice(0, NAME_CHARS_MAX);
      const body = { name, url, headers: [], enabled: true };
      return api.duplicateEndpoint({ tenant, endpoint: endpoint.id, body });
    },
    done: () => text.forDevelopmentDone,
    touches: [[tenant, 'endpoints', 'list']],
    after: ({ id }) =>
      void navigate({ to: '/$tenant/webhooks/$endpoint', params: { tenant, endpoint: id } }),
  });
}
