import { useMantineColorScheme } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Outlet, useNavigate, useParams, useRouterState } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { IconButton } from '../parts/icon-button.tsx';
import { keys } from '../strings/keys.ts';
import { shell } from '../strings/shell.ts';
import { Nav } from './nav.tsx';
import classes from './shell.module.css';
import { type Shortcut, useShortcut, useShortcutList } from './shortcuts.tsx';

const Help = lazy(() => import('./help.tsx').then(({ Help }) => ({ default: Help })));
const Palette = lazy(() => import('./palette.tsx').then(({ Palette }) => ({ default: Palette })));

/** Navigation beside the page; below 800 px it lies over it. */
export function Shell() {
  const narrow = useMediaQuery('(max-width: 799px)') ?? false;
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each change of the address closes it.
  useEffect(() => setOpen(false), [path]);
  const overlays = useOverlays();
  return (
    <div className={classes.shell}>
      <a className={classes.skip} href="#main">
        {shell.skip}
      </a>
      {(!narrow || open) && <Nav onHelp={overlays.showHelp} onPalette={overlays.showPalette} />}
      {narrow && open && (
        // biome-ignore lint/a11y/noStaticElementInteractions: Esc and the links close it too.
        // biome-ignore lint/a11y/useKeyWithClickEvents: as above.
        <div className={classes.veil} onClick={() => setOpen(false)} />
      )}
      <div className={classes.column}>
        {narrow && (
          <div className={classes.bar}>
            <IconButton icon="menu" label={shell.openNavigation} onClick={() => setOpen(true)} />
            <IconButton icon="search" label={keys.palette} onClick={overlays.showPalette} />
          </div>
        )}
        <main id="main" className={classes.main} tabIndex={-1}>
          <Suspense>
            <Outlet />
          </Suspense>
        </main>
      </div>
      <GoTo />
      <Suspense>{overlays.shown}</Suspense>
    </div>
  );
}

/** The list of keys and the palette, with the keys that open them. */
function useOverlays() {
  const [help, setHelp] = useState<readonly Shortcut[]>();
  const [palette, setPalette] = useState(false);
  const list = useShortcutList();
  const showHelp = () => setHelp(list);
  const showPalette = () => setPalette(true);
  useShortcut({ keys: '?', label: keys.help, group: keys.general, run: showHelp });
  useThemeKey();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'k' || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setPalette(true);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
  const shown = (
    <>
      {help && <Help list={help} onClose={() => setHelp(undefined)} />}
      {palette && <Palette onClose={() => setPalette(false)} />}
    </>
  );
  return { showHelp, showPalette, shown };
}

function useThemeKey(): void {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = { auto: 'light', light: 'dark', dark: 'auto' } as const;
  useShortcut({
    keys: 't',
    label: keys.theme,
    group: keys.general,
    run: () => setColorScheme(next[colorScheme]),
  });
}

const GO_TO = [
  ['o', keys.overview, '/$tenant'],
  ['w', keys.webhooks, '/$tenant/webhooks'],
  ['a', keys.activity, '/$tenant/activity'],
  ['e', keys.eventTypes, '/$tenant/event-types'],
  ['i', keys.inboxes, '/$tenant/inboxes'],
  ['s', keys.settings, '/$tenant/settings'],
] as const;

/** `g` and a letter; nothing is drawn. */
function GoTo() {
  const navigate = useNavigate();
  const { tenant } = useParams({ strict: false });
  return GO_TO.map(([key, label, to]) => (
    <GoToKey
      key={key}
      shortcut={{
        keys: `g ${key}`,
        label,
        group: keys.goTo,
        run: () => void navigate({ to, params: { tenant: tenant ?? '' } }),
      }}
      enabled={tenant !== undefined}
    />
  ));
}

function GoToKey({ shortcut, enabled }: { shortcut: Shortcut; enabled: boolean }) {
  useShortcut(shortcut, enabled);
  return null;
}
