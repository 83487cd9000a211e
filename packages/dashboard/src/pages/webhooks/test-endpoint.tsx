import { Button } from '@mantine/core';
import { useApi, useTenant } from '../../app/context.tsx';
import type { EndpointRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Icon } from '../../parts/icon.tsx';
import { webhooks } from '../../strings/webhooks.ts';

const text = webhooks.test;

/** Sends a sample of each type it listens to, now; nothing of it is logged. */
export function useTestEndpoint(endpoint: EndpointRow['id']) {
  const api = useApi();
  const tenant = useTenant();
  const test = useAction({ run: () => api.testEndpoint({ tenant, endpoint, body: {} }) });
  const button = (
    <Button
      loading={test.isPending}
      onClick={() => test.mutate(undefined)}
      leftSection={<Icon name="send" size={14} />}
    >
      {text.send}
    </Button>
  );
  return { button, result: test.data, dismiss: test.reset };
}
