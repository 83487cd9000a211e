import { Button, FileInput, Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useApi, useRights, useTenant } from '../../app/context.tsx';
import type { Mistakes } from '../../data/mistakes.ts';
import { mistakeOf, mistakesOf } from '../../data/mistakes.ts';
import type { AppRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Dialog } from '../../parts/dialog.tsx';
import { apps } from '../../strings/apps.ts';
import { common } from '../../strings/common.ts';
import { form } from '../../strings/webhook-form.ts';

type Draft = Pick<AppRow, 'name' | 'logo' | 'redirectUris' | 'dialect' | 'scope' | 'public'> & {
  readonly website: string;
  readonly webhookUrl: string;
};

const DIALECTS = [
  'cand',
  'standard',
  'casdoor',
  'casdoor-docs',
  'ferriskey',
  'logto',
  'caisy',
  'raw',
] as const;
/** A third more as base64, which is what the server bounds. */
const LOGO_BYTES_MAX = 48_000;

function draftOf(app: AppRow | undefined): Draft {
  const { name = '', logo = null, redirectUris = [], dialect = 'cand' } = app ?? {};
  return {
    name,
    logo,
    redirectUris,
    dialect,
    scope: app?.scope ?? 'tenant',
    public: app?.public ?? false,
    website: app?.website ?? '',
    webhookUrl: app?.webhookUrl ?? '',
  };
}

/** Without an app: a new one. */
export function AppForm({ app, onClose }: { app: AppRow | undefined; onClose: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(app));
  const save = useSave({ app, onClose });
  const set = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(draft);
  };
  const part = { draft, set, mistakes: mistakesOf(save.error) };
  return (
    <Dialog title={app === undefined ? apps.create : apps.edit} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit} noValidate>
        <About {...part} />
        <Access {...part} />
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            type="submit"
            variant="filled"
            loading={save.isPending}
            disabled={draft.name.trim() === ''}
          >
            {app === undefined ? common.create : apps.save}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function useSave({ app, onClose }: { app: AppRow | undefined; onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  return useAction({
    run: (draft: Draft) => {
      const website = draft.website.trim();
      const webhookUrl = draft.webhookUrl.trim();
      const body = {
        ...draft,
        name: draft.name.trim(),
        website: website === '' ? null : website,
        webhookUrl: webhookUrl === '' ? null : webhookUrl,
      };
      return app === undefined
        ? api.createApp({ tenant, body })
        : api.updateApp({ tenant, app: app.id, body: { ...body, version: app.version } });
    },
    done: () => (app === undefined ? apps.created : apps.saved),
    touches: [
      [tenant, 'apps'],
      [tenant, 'audit'],
    ],
    after: onClose,
  });
}

interface Part {
  readonly draft: Draft;
  readonly set: (change: Partial<Draft>) => void;
  readonly mistakes: Mistakes;
}

function About({ draft, set, mistakes }: Part) {
  return (
    <>
      <TextInput
        data-autofocus
        label={apps.name}
        maxLength={100}
        value={draft.name}
        error={mistakeOf(mistakes, 'name')}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <TextInput
        label={apps.website}
        placeholder="https://example.com"
        value={draft.website}
        error={mistakeOf(mistakes, 'website')}
        onChange={(event) => set({ website: event.currentTarget.value })}
      />
      <Logo draft={draft} set={set} mistakes={mistakes} />
    </>
  );
}

function Logo({ draft, set, mistakes }: Part) {
  const [problem, setProblem] = useState<string>();
  const read = async (file: File | null) => {
    setProblem(undefined);
    if (file === null) return set({ logo: null });
    if (file.size > LOGO_BYTES_MAX) return setProblem(apps.logoTooLarge);
    const reader = new FileReader();
    reader.onload = () => set({ logo: String(reader.result) });
    reader.readAsDataURL(file);
  };
  return (
    <FileInput
      size="xs"
      label={apps.logo}
      description={apps.logoAbout}
      accept="image/png,image/jpeg,image/webp,image/gif,image/svg+xml"
      placeholder={draft.logo === null ? common.none : common.saved}
      clearable
      error={problem ?? mistakeOf(mistakes, 'logo')}
      onChange={(file) => void read(file)}
    />
  );
}

function Access({ draft, set, mistakes }: Part) {
  const { admin } = useRights();
  return (
    <>
      <TagsInput
        label={apps.redirectUris}
        description={apps.redirectUrisAbout}
        splitChars={[' ']}
        acceptValueOnBlur
        value={[...draft.redirectUris]}
        error={mistakeOf(mistakes, 'redirectUris')}
        onChange={(redirectUris) => set({ redirectUris })}
      />
      <TextInput
        label={apps.webhookUrl}
        description={apps.webhookUrlAbout}
        value={draft.webhookUrl}
        error={mistakeOf(mistakes, 'webhookUrl')}
        onChange={(event) => set({ webhookUrl: event.currentTarget.value })}
      />
      <Select
        label={apps.dialect}
        data={DIALECTS.map((value) => ({
          value,
          label: form.format.dialects[value]?.[0] ?? value,
        }))}
        value={draft.dialect}
        onChange={(value) => set({ dialect: value as Draft['dialect'] })}
      />
      {admin && (
        <Select
          label={apps.scope}
          data={Object.entries(apps.scopes).map(([value, label]) => ({ value, label }))}
          value={draft.scope}
          error={mistakeOf(mistakes, 'scope')}
          onChange={(value) => set({ scope: value as Draft['scope'] })}
        />
      )}
      <Switch
        label={apps.public}
        checked={draft.public}
        onChange={(event) => set({ public: event.currentTarget.checked })}
      />
    </>
  );
}
