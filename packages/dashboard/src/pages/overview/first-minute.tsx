import { Link } from '@tanstack/react-router';
import { useApp, useRights, useTenant } from '../../app/context.tsx';
import { CommandBlock } from '../../parts/copy.tsx';
import { overview } from '../../strings/overview.ts';
import classes from './overview.module.css';

const text = overview.first;
const RECEIVER = `node -e "require('http').createServer((q,r)=>{let b='';q.on('data',d=>b+=d).on('end',()=>{console.log(q.method,q.url,q.headers['webhook-id'],b);r.end()})}).listen(4500)"`;

/** An empty installation explains itself with what one can copy. */
export function FirstMinute() {
  const { place } = useApp();
  const tenant = useTenant();
  const { write } = useRights();
  const api = `${location.origin}${place.base}/api/v1/tenants/${tenant}`;
  const post = (path: string, body: string) =>
    `curl ${api}/${path} \\\n  -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' \\\n  -d '${body}'`;
  return (
    <div className={classes.first}>
      <h2>{text.title}</h2>
      <p className="secondary">{text.key}</p>
      <Step text={text.receiver} command={RECEIVER} />
      <Step text={text.endpoint} command={post('endpoints', '{"url":"http://127.0.0.1:4500/"}')} />
      <Step
        text={text.event}
        command={post('events', '{"type":"user.created","data":{"id":"u_1"}}')}
      />
      <p role="status" className={classes.waiting}>
        <span className={classes.pulse} aria-hidden="true" />
        {text.waiting}
      </p>
      {write && (
        <Link to="/$tenant/webhooks/new" params={{ tenant }}>
          {text.orForm}
        </Link>
      )}
    </div>
  );
}

function Step({ text: about, command }: { text: string; command: string }) {
  return (
    <div>
      <p>{about}</p>
      <CommandBlock text={command} />
    </div>
  );
}
