import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { type QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { createQueryClient } from '../data/queries.ts';
import { AppContext } from './context.tsx';
import type { Place } from './place.ts';
import { makeRouter } from './router.tsx';
import type { Session, SessionState } from './session.ts';
import { ShortcutProvider } from './shortcuts.tsx';
import { PortalEnded, SignIn } from './sign-in.tsx';
import { themeOf, variablesOf } from './theme.ts';
import { ToastProvider } from './toasts.tsx';

const schemes = localStorageColorSchemeManager({ key: 'posthorn:scheme' });

export function App({ place, session }: { place: Place; session: Session }) {
  const state = useSyncExternalStore(session.subscribe, () => session.state);
  const looks = state.kind === 'in' ? state.who.theme : null;
  const theme = useMemo(() => themeOf(looks), [looks]);
  const variables = useMemo(() => variablesOf(looks), [looks]);
  const scheme = looks && looks.scheme !== 'auto' ? looks.scheme : undefined;
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      colorSchemeManager={schemes}
      defaultColorScheme="auto"
      {...(scheme === undefined ? {} : { forceColorScheme: scheme })}
      deduplicateInlineStyles={false}
      getStyleNonce={() => place.nonce}
    >
      <Gate place={place} session={session} state={state} />
    </MantineProvider>
  );
}

function Gate(props: { place: Place; session: Session; state: SessionState }) {
  const { place, session, state } = props;
  if (state.kind === 'starting') return null;
  if (state.kind === 'in')
    return <Inside key={state.who.id} place={place} session={session} state={state} />;
  return place.portal === undefined ? (
    <SignIn session={session} why={state.why} />
  ) : (
    <PortalEnded />
  );
}

/** Nothing of one session is left for the next one: neither data nor a place in the history. */
function Inside(props: {
  place: Place;
  session: Session;
  state: Extract<SessionState, { kind: 'in' }>;
}) {
  const { place, session } = props;
  const { who, api, apiText, apiBlob } = props.state;
  const client: QueryClient = useMemo(createQueryClient, []);
  const router = useMemo(() => makeRouter(place, who.tenant), [place, who.tenant]);
  const app = useMemo(
    () => ({ place, session, who, api, apiText, apiBlob }),
    [place, session, who, api, apiText, apiBlob],
  );
  useEffect(() => {
    const stops = [
      session.reach.watch(),
      session.reach.onBack(() => void client.invalidateQueries()),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [session, client]);
  return (
    <QueryClientProvider client={client}>
      <AppContext value={app}>
        <ShortcutProvider>
          <ToastProvider>
            <RouterProvider router={router} />
          </ToastProvider>
        </ShortcutProvider>
      </AppContext>
    </QueryClientProvider>
  );
}
