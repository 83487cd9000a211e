import { Button, Select } from '@mantine/core';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { useAction } from '../../parts/actions.tsx';
import { CommandBlock } from '../../parts/copy.tsx';
import { FormSection } from '../../parts/form.tsx';
import { Icon } from '../../parts/icon.tsx';
import { settings } from '../../strings/settings.ts';

const text = settings.portal;

/** A program makes these by the API; here one looks at what it will get. */
export function PortalLink() {
  const api = useApi();
  const tenant = useTenant();
  const [role, setRole] = useState<'read' | 'write'>('read');
  const link = useAction({
    run: () => api.createPortalSession({ tenant, body: { role } }),
    touches: [['sessions']],
  });
  return (
    <FormSection title={text.link}>
      <p className="secondary">{text.linkText}</p>
      <Select
        label={text.role}
        data={Object.entries(text.roles).map(([value, label]) => ({ value, label }))}
        value={role}
        onChange={(value) => setRole(value as typeof role)}
      />
      <div>
        <Button
          loading={link.isPending}
          onClick={() => link.mutate(undefined)}
          leftSection={<Icon name="link" size={14} />}
        >
          {text.link}
        </Button>
      </div>
      {link.data && <CommandBlock text={link.data.url} />}
    </FormSection>
  );
}
