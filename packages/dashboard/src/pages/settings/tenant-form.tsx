import { dialects } from 'virtual:contract';
import { Button, Select, TagsInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useApi } from '../../app/context.tsx';
import { useToast } from '../../app/toasts.tsx';
import type { Mistakes } from '../../data/mistakes.ts';
import { mistakeOf } from '../../data/mistakes.ts';
import type { TenantRow } from '../../data/types.ts';
import classes from '../../parts/form.module.css';
import { FormFoot, FormSection, useSaving } from '../../parts/form.tsx';
import { settings } from '../../strings/settings.ts';
import { form } from '../../strings/webhook-form.ts';
import { Limits } from '../webhooks/form/limits.tsx';
import { Retry } from '../webhooks/form/retry.tsx';
import { type TenantDraft, tenantDraftOf, tenantOf } from './tenant-draft.ts';

interface Part {
  readonly draft: TenantDraft;
  readonly set: (change: Partial<TenantDraft>) => void;
  readonly mistakes: Mistakes;
}

export function TenantForm({ tenant }: { tenant: TenantRow }) {
  const [draft, setDraft] = useState(() => tenantDraftOf(tenant));
  const { save, busy, error, mistakes } = useSavingTenant(tenant);
  const set = (change: Partial<TenantDraft>) => setDraft((now) => ({ ...now, ...change }));
  const part = { draft, set, mistakes };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { body, mistakes: own } = tenantOf(draft, tenant);
    void save(body, own);
  };
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <FormSection title={settings.sections.tenant}>
        <Names {...part} />
      </FormSection>
      <FormSection title={settings.sections.defaults}>
        <Dialect {...part} />
        <Retry {...part} inherited={settings.inherited} />
        <Limits {...part} inherited={settings.inheritedShort} />
      </FormSection>
      <FormSection title={settings.sections.events}>
        <Events {...part} />
      </FormSection>
      <FormSection title={settings.sections.portal}>
        <Portal {...part} />
      </FormSection>
      <FormFoot error={error}>
        <Button type="submit" variant="filled" loading={busy}>
          {settings.save}
        </Button>
      </FormFoot>
    </form>
  );
}

function useSavingTenant(tenant: TenantRow) {
  const api = useApi();
  const client = useQueryClient();
  const toast = useToast();
  return useSaving(async (body: ReturnType<typeof tenantOf>['body']) => {
    await api.putTenant({ tenant: tenant.id, body });
    toast({ text: settings.saved });
    await client.invalidateQueries({ queryKey: ['tenants'] });
  });
}

function Names({ draft, set, mistakes }: Part) {
  return (
    <>
      <TextInput
        label={settings.name}
        value={draft.name}
        error={mistakeOf(mistakes, 'name')}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <TextInput
        label={settings.alias}
        description={settings.aliasAbout}
        value={draft.alias}
        error={mistakeOf(mistakes, 'alias')}
        onChange={(event) => set({ alias: event.currentTarget.value })}
      />
    </>
  );
}

function Dialect({ draft, set, mistakes }: Part) {
  return (
    <Select
      label={settings.dialect}
      data={[
        { value: '', label: settings.inherited },
        ...dialects.map((value) => ({ value, label: form.format.dialects[value]?.[0] ?? value })),
      ]}
      value={draft.dialect ?? ''}
      error={mistakeOf(mistakes, 'defaults.dialect')}
      onChange={(value) => set({ dialect: (value || null) as TenantDraft['dialect'] })}
    />
  );
}

function Events({ draft, set }: Part) {
  const { operationalEvents: told } = draft;
  return (
    <>
      <Select
        label={settings.validation}
        description={settings.validationAbout}
        data={[
          { value: '', label: settings.inherited },
          ...Object.entries(settings.validations).map(([value, label]) => ({ value, label })),
        ]}
        value={draft.validation ?? ''}
        onChange={(value) => set({ validation: (value || null) as TenantDraft['validation'] })}
      />
      <Select
        label={settings.operationalEvents}
        description={settings.operationalEventsAbout}
        data={[
          { value: '', label: settings.inherited },
          { value: 'on', label: settings.on },
          { value: 'off', label: settings.off },
        ]}
        value={told === null ? '' : told ? 'on' : 'off'}
        onChange={(value) => set({ operationalEvents: value ? value === 'on' : null })}
      />
    </>
  );
}

function Portal({ draft, set, mistakes }: Part) {
  const text = settings.portal;
  return (
    <>
      <p className="secondary">{text.about}</p>
      <TextInput
        label={text.title}
        description={text.titleAbout}
        maxLength={60}
        value={draft.title}
        error={mistakeOf(mistakes, 'portal.title')}
        onChange={(event) => set({ title: event.currentTarget.value })}
      />
      <TagsInput
        label={text.ancestors}
        description={text.ancestorsAbout}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        value={[...draft.frameAncestors]}
        error={mistakeOf(mistakes, 'portal.frameAncestors')}
        onChange={(frameAncestors) => set({ frameAncestors })}
      />
      <div className={classes.three}>
        <TextInput
          label={text.color}
          placeholder="#4f46e5"
          value={draft.color}
          error={mistakeOf(mistakes, 'portal.theme.color')}
          onChange={(event) => set({ color: event.currentTarget.value })}
        />
        <Select
          label={text.scheme}
          data={Object.entries(text.schemes).map(([value, label]) => ({ value, label }))}
          value={draft.scheme}
          onChange={(value) => set({ scheme: value as TenantDraft['scheme'] })}
        />
        <TextInput
          label={text.radius}
          inputMode="numeric"
          value={draft.radius}
          error={mistakeOf(mistakes, 'portal.theme.radius')}
          onChange={(event) => set({ radius: event.currentTarget.value })}
        />
      </div>
    </>
  );
}
