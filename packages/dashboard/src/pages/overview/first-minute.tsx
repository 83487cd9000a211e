import { Button, Menu } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useApi, useApp, useRights, useTenant } from '../../app/context.tsx';
import { type Sample, samples } from '../../data/samples.ts';
import { useAction } from '../../parts/actions.tsx';
import { CommandBlock } from '../../parts/copy.tsx';
import { Icon } from '../../parts/icon.tsx';
import { overview } from '../../strings/overview.ts';
import classes from './overview.module.css';

const text = overview.first;
const RECEIVER = `node -e "require('http').createServer((q,r)=>{let b='';q.on('data',d=>b+=d).on('end',()=>{console.log(q.method,q.url,q.headers['webhook-id'],b);r.end()})}).listen(4500)"`;
const SAMPLE = { type: 'user.created', data: { id: 'u_1' } };

/** An empty installation explains itself with what one can copy. */
export function FirstMinute() {
  const { place } = useApp();
  const api = useApi();
  const tenant = useTenant();
  const { admin, write, publish } = useRights();
  const makeKey = useAction({
    run: () =>
      api.createKey({ body: { name: text.keyName, tenant, scopes: ['publish', 'read', 'write'] } }),
    touches: [['keys']],
  });
  const send = useAction({
    run: ({ event }: Sample) => api.publishEvents({ tenant, body: event }),
    touches: [[tenant, 'events']],
  });
  const key = makeKey.data?.key ?? '$KEY';
  const base = `${location.origin}${place.base}/api/v1/tenants/${tenant}`;
  const post = (path: string, body: object) =>
    [
      `curl ${base}/${path} \\`,
      `  -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\`,
      `  -d '${JSON.stringify(body)}'`,
    ].join('\n');
  return (
    <div className={classes.first}>
      <h2>{text.title}</h2>
      {admin && !makeKey.data && (
        <p className={classes.waiting}>
          <span className="secondary">{text.key}</span>
          <Button loading={makeKey.isPending} onClick={() => makeKey.mutate(undefined)}>
            {text.makeKey}
          </Button>
        </p>
      )}
      <Step about={text.receiver} command={RECEIVER} />
      <Step about={text.endpoint} command={post('endpoints', { url: 'http://127.0.0.1:4500/' })}>
        {write && (
          <Link to="/$tenant/webhooks/new" params={{ tenant }}>
            {text.orForm}
          </Link>
        )}
      </Step>
      <Step about={text.event} command={post('events', SAMPLE)}>
        {publish && (
          <Menu>
            <Menu.Target>
              <Button
                loading={send.isPending}
                leftSection={<Icon name="send" size={14} />}
                rightSection={<Icon name="down" size={12} />}
              >
                {text.send}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {samples.map((sample) => (
                <Menu.Item key={sample.dialect} onClick={() => send.mutate(sample)}>
                  {sample.label}
                  <div className="small secondary">{sample.event.type}</div>
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </Step>
      <p role="status" className={classes.waiting}>
        <span className={classes.pulse} aria-hidden="true" />
        {text.waiting}
      </p>
    </div>
  );
}

function Step(props: { about: string; command: string; children?: ReactNode }) {
  return (
    <div className={classes.step}>
      <p>{props.about}</p>
      <CommandBlock text={props.command} />
      {props.children}
    </div>
  );
}
