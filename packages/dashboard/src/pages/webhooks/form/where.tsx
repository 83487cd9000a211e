import { Select, Switch, Textarea, TextInput } from '@mantine/core';
import { mistakeOf } from '../../../data/mistakes.ts';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import classes from './form.module.css';
import type { Part } from './part.ts';

const METHODS = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const;

export function Where({ draft, set, mistakes }: Part) {
  return (
    <>
      <div className={classes.url}>
        <Select
          label={form.method}
          data={METHODS}
          value={draft.method}
          onChange={(value) => set({ method: value as Draft['method'] })}
        />
        <TextInput
          label={form.url}
          placeholder="https://example.com/hooks"
          type="url"
          required
          withAsterisk={false}
          autoFocus={draft.url === ''}
          value={draft.url}
          error={mistakeOf(mistakes, 'url')}
          onChange={(event) => set({ url: event.currentTarget.value })}
        />
      </div>
      <TextInput
        label={form.name}
        value={draft.name}
        maxLength={200}
        error={mistakeOf(mistakes, 'name')}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <Textarea
        label={form.description}
        value={draft.description}
        maxLength={2000}
        autosize
        minRows={2}
        error={mistakeOf(mistakes, 'description')}
        onChange={(event) => set({ description: event.currentTarget.value })}
      />
      <Switch
        label={form.enabled}
        description={form.enabledAbout}
        checked={draft.enabled}
        onChange={(event) => set({ enabled: event.currentTarget.checked })}
      />
    </>
  );
}
