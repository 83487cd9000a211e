import { useQuery } from '@tanstack/react-query';
import { useApi, useTenant } from '../../app/context.tsx';
import { formatNumber } from '../../app/format.ts';
import type { InboxRow, ListenerRow } from '../../data/types.ts';
import { Status } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { inboxes } from '../../strings/inboxes.ts';
import classes from './inboxes.module.css';

const text = inboxes.listeners;
const LOOK_MS = 2000;
/** Those that were seen last; an inbox may have fifty. */
const SHOWN_MAX = 4;

/** Who carries captures to a machine, and how much waits for each. */
export function Listeners({ inbox }: { inbox: InboxRow['id'] }) {
  const api = useApi();
  const tenant = useTenant();
  const { data = [] } = useQuery({
    queryKey: [tenant, 'listeners', inbox],
    queryFn: async ({ signal }) => (await api.listListeners({ tenant, inbox }, { signal })).items,
    refetchInterval: LOOK_MS,
  });
  if (data.length === 0) return null;
  const newest = data.toSorted(byPresence);
  return (
    <ul className={classes.listeners} aria-label={text.title}>
      {newest.slice(0, SHOWN_MAX).map((listener) => (
        <Listener key={listener.name} listener={listener} />
      ))}
      {newest.length > SHOWN_MAX && (
        <li className="secondary">{text.more(newest.length - SHOWN_MAX)}</li>
      )}
    </ul>
  );
}

function byPresence(a: ListenerRow, b: ListenerRow): number {
  const present = Number(b.attachments.length > 0) - Number(a.attachments.length > 0);
  return present || Date.parse(b.seenAt) - Date.parse(a.seenAt);
}

function Listener({ listener }: { listener: ListenerRow }) {
  const { name, attachments, backlog, seenAt, filter } = listener;
  const here = attachments.length > 0;
  const waits = filter === '' ? text.waits : text.waitsAtMost;
  return (
    <li title={attachments.map(({ agent }) => agent).join(', ') || undefined}>
      <Status mark={here ? 'on' : 'off'} text={name} />
      <span className="secondary">
        {here ? (
          text.here
        ) : (
          <>
            {text.away} <Ago at={seenAt} />
          </>
        )}
        {backlog > 0 && ` · ${waits(formatNumber(backlog))}`}
      </span>
    </li>
  );
}
