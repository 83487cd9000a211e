import { Button } from '@mantine/core';
import { useApi, useTenant } from '../../../app/context.tsx';
import { useAction } from '../../../parts/actions.tsx';
import classes from '../../../parts/form.module.css';
import { Icon } from '../../../parts/icon.tsx';
import { form } from '../../../strings/webhook-form.ts';
import { settingsOf } from '../draft.ts';
import { TestResult } from '../test-result.tsx';
import { Preview, type PreviewProps } from './preview.tsx';

/** What would be sent, and what comes of it when it is. */
export function Trial({ draft, endpoint }: PreviewProps) {
  const api = useApi();
  const tenant = useTenant();
  const test = useAction({
    run: () => {
      const body = { endpoint: settingsOf(draft).settings };
      return endpoint === undefined
        ? api.testUnsavedEndpoint({ tenant, body })
        : api.testEndpoint({ tenant, endpoint, body });
    },
  });
  return (
    <section className={classes.section} aria-label={form.sections.trial}>
      <h2>{form.sections.trial}</h2>
      <div className={classes.fields}>
        <Preview draft={draft} endpoint={endpoint} />
        <div>
          <Button
            loading={test.isPending}
            disabled={draft.url.trim() === ''}
            onClick={() => test.mutate(undefined)}
            leftSection={<Icon name="send" size={14} />}
          >
            {form.test}
          </Button>
        </div>
        {test.data && <TestResult result={test.data} />}
      </div>
    </section>
  );
}
