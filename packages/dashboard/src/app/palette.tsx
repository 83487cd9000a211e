import { Modal, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { type KeyboardEvent, useContext, useState } from 'react';
import { nameOf, queries } from '../data/queries.ts';
import { Icon, type IconName } from '../parts/icon.tsx';
import { common } from '../strings/common.ts';
import { keys } from '../strings/keys.ts';
import { shell } from '../strings/shell.ts';
import { TenantContext, useApi, useRights } from './context.tsx';
import classes from './palette.module.css';

interface Choice {
  readonly key: string;
  readonly icon: IconName;
  readonly label: string;
  readonly note?: string;
  readonly go: () => void;
}

const SHOWN_MAX = 50;
const ID = /^(evt|att|ep)_[0-9a-hjkmnp-tv-z]{26}$/;

/** Pages, webhooks, and whatever a pasted id names. */
export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const choices = useChoices(text.trim());
  const choose = (choice: Choice | undefined) => {
    if (!choice) return;
    onClose();
    choice.go();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by !== undefined) setActive((active + by + choices.length) % Math.max(choices.length, 1));
    else if (event.key === 'Enter') choose(choices[active]);
    else return;
    event.preventDefault();
  };
  return (
    <Modal opened onClose={onClose} withCloseButton={false} padding={0} aria-label={keys.palette}>
      <TextInput
        data-autofocus
        variant="unstyled"
        size="md"
        className={classes.input}
        leftSection={<Icon name="search" />}
        placeholder={shell.palettePlaceholder}
        aria-label={keys.palette}
        role="combobox"
        aria-expanded
        aria-controls="palette"
        aria-activedescendant={`palette-${active}`}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div id="palette" className={classes.choices} role="listbox" aria-label={keys.palette}>
        {choices.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the focus and the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: as above.
          <div
            key={choice.key}
            id={`palette-${index}`}
            role="option"
            aria-selected={index === active}
            className={classes.choice}
            onClick={() => choose(choice)}
            onMouseMove={() => setActive(index)}
          >
            <Icon name={choice.icon} />
            <span className="cut">{choice.label}</span>
            <span className={classes.note}>{choice.note}</span>
          </div>
        ))}
      </div>
      {choices.length === 0 && <p className={classes.empty}>{shell.paletteEmpty}</p>}
      <span className="visually-hidden">{common.close}: Esc</span>
    </Modal>
  );
}

function useChoices(text: string): Choice[] {
  const scope = useContext(TenantContext);
  const params = useParams({ strict: false });
  const tenant = scope?.tenant ?? params.tenant ?? '';
  const all = [...usePages(tenant), ...useWebhooks(tenant)];
  const byId = useId(tenant, text);
  const words = text.toLowerCase().split(/\s+/);
  const fits = ({ label, note = '' }: Choice) => {
    const in_ = `${label} ${note}`.toLowerCase();
    return words.every((word) => in_.includes(word));
  };
  return [...byId, ...all.filter(fits)].slice(0, SHOWN_MAX);
}

function usePages(tenant: string): Choice[] {
  const navigate = useNavigate();
  const { admin, write } = useRights();
  const { pages } = shell;
  const here = { tenant };
  const page = (
    [icon, label]: readonly [IconName, string],
    to:
      | '/$tenant'
      | '/$tenant/webhooks'
      | '/$tenant/activity'
      | '/$tenant/event-types'
      | '/$tenant/inboxes'
      | '/$tenant/apps'
      | '/$tenant/alerts'
      | '/$tenant/settings',
  ): Choice => ({ key: to, icon, label, go: () => void navigate({ to, params: here }) });
  const operator = (
    [icon, label]: readonly [IconName, string],
    to: '/-/tenants' | '/-/keys' | '/-/sessions' | '/-/nodes',
  ): Choice => ({ key: to, icon, label, go: () => void navigate({ to }) });
  const own: Choice[] = [
    page(['overview', pages.overview], '/$tenant'),
    page(['webhook', pages.webhooks], '/$tenant/webhooks'),
    page(['activity', pages.activity], '/$tenant/activity'),
    page(['types', pages.eventTypes], '/$tenant/event-types'),
    page(['inbox', pages.inboxes], '/$tenant/inboxes'),
    page(['apps', pages.apps], '/$tenant/apps'),
    page(['bell', pages.alerts], '/$tenant/alerts'),
    ...(write ? [page(['settings', pages.settings], '/$tenant/settings')] : []),
  ];
  return [
    ...(tenant === '' ? [] : own),
    ...(admin
      ? [
          operator(['tenants', pages.tenants], '/-/tenants'),
          operator(['key', pages.keys], '/-/keys'),
          operator(['people', pages.sessions], '/-/sessions'),
          operator(['node', pages.nodes], '/-/nodes'),
        ]
      : []),
  ];
}

function useWebhooks(tenant: string): Choice[] {
  const navigate = useNavigate();
  const { data } = useQuery({ ...queries.endpoints(useApi(), tenant), enabled: tenant !== '' });
  return (data ?? []).map((endpoint) => ({
    key: endpoint.id,
    icon: 'webhook',
    label: nameOf(endpoint),
    note: endpoint.url,
    go: () =>
      void navigate({
        to: '/$tenant/webhooks/$endpoint',
        params: { tenant, endpoint: endpoint.id },
      }),
  }));
}

function useId(tenant: string, text: string): Choice[] {
  const navigate = useNavigate();
  const kind = ID.exec(text)?.[1];
  if (kind === undefined || tenant === '') return [];
  const go = () => {
    if (kind === 'evt') {
      void navigate({ to: '/$tenant/events/$event', params: { tenant, event: text } });
    } else if (kind === 'att') {
      void navigate({ to: '/$tenant/activity/$attempt', params: { tenant, attempt: text } });
    } else {
      void navigate({ to: '/$tenant/webhooks/$endpoint', params: { tenant, endpoint: text } });
    }
  };
  return [{ key: text, icon: 'right', label: text, go }];
}
