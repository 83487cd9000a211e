import { useRights } from '../../app/context.tsx';
import type { InboxRow } from '../../data/types.ts';
import { CommandBlock, CopyButton } from '../../parts/copy.tsx';
import { inboxes } from '../../strings/inboxes.ts';
import classes from './inboxes.module.css';
import { SendSample } from './send-sample.tsx';

const text = inboxes.waiting;

/** An inbox that has caught nothing yet: its URL, and what to do with it. */
export function Waiting({ inbox }: { inbox: InboxRow }) {
  const { write } = useRights();
  const curl = `curl ${inbox.url} -d '{"hello":"world"}'`;
  return (
    <div className={classes.waiting}>
      <h2>{text.title}</h2>
      <p className={`${classes.url} mono`}>
        {inbox.url} <CopyButton text={inbox.url} label={inboxes.copyUrl} />
      </p>
      <p>{text.curl}</p>
      <CommandBlock text={curl} />
      <p>{text.listen}</p>
      <CommandBlock text={`posthorn listen 3000 --inbox ${inbox.name}`} />
      {write && (
        <>
          <p>{text.sample}</p>
          <SendSample inbox={inbox} />
        </>
      )}
    </div>
  );
}
