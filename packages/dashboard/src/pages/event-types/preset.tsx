import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { queries } from '../../data/queries.ts';
import { eventTypes } from '../../strings/event-types.ts';
import { type Existing, Merge } from './merge.tsx';

const text = eventTypes.preset;

export function LoadPreset({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  const { data = [] } = useQuery(queries.presets(api));
  const [preset, setPreset] = useState('');
  const [existing, setExisting] = useState<Existing>('keep');
  const chosen = data.find(({ name }) => name === preset);
  return (
    <Merge
      key={preset}
      title={text.title}
      apply={text.apply}
      ready={chosen !== undefined}
      existing={existing}
      onExisting={setExisting}
      run={(dryRun) => api.loadPreset({ tenant, preset, body: { existing, dryRun } })}
      onClose={onClose}
    >
      <Select
        label={text.which}
        description={chosen?.description}
        data={data.map(({ name, label, eventTypes: count }) => ({
          value: name,
          label: `${label} · ${eventTypes.count(count)}`,
        }))}
        value={preset === '' ? null : preset}
        onChange={(value) => setPreset(value ?? '')}
      />
    </Merge>
  );
}
