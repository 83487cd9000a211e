import { Button, PasswordInput, Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { formatMoment } from '../../app/format.ts';
import type { EndpointRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Copyable } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Failed } from '../../parts/faces.tsx';
import { type Fact, Facts } from '../../parts/facts.tsx';
import { Icon } from '../../parts/icon.tsx';
import { Section } from '../../parts/page.tsx';
import { common } from '../../strings/common.ts';
import { webhooks } from '../../strings/webhooks.ts';
import classes from './detail.module.css';

const text = webhooks.secret;

/** Fetched only when somebody wants to see it. */
export function Secret({ endpoint: { id: endpoint, grant } }: { endpoint: EndpointRow }) {
  const [shown, setShown] = useState(false);
  const [rotating, setRotating] = useState(false);
  return (
    <Section title={webhooks.detail.secret}>
      <p className="secondary">{text.about}</p>
      <div className={classes.secret}>
        <Button onClick={() => setShown(!shown)} leftSection={<Icon name="eye" size={14} />}>
          {shown ? text.hide : text.reveal}
        </Button>
        {grant === null && (
          <Button onClick={() => setRotating(true)} leftSection={<Icon name="retry" size={14} />}>
            {text.rotate}
          </Button>
        )}
      </div>
      {shown && <Shown endpoint={endpoint} />}
      {rotating && (
        <Rotate
          endpoint={endpoint}
          onClose={() => setRotating(false)}
          onDone={() => setShown(true)}
        />
      )}
    </Section>
  );
}

function Shown({ endpoint }: { endpoint: EndpointRow['id'] }) {
  const api = useApi();
  const tenant = useTenant();
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'secret', endpoint],
    queryFn: ({ signal }) => api.getEndpointSecret({ tenant, endpoint }, { signal }),
    // Not kept longer than it is looked at.
    gcTime: 0,
  });
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  if (!data) return null;
  return (
    <Facts
      facts={[
        [webhooks.detail.secret, <Copyable key="secret" text={data.secret} />],
        [text.publicKey, data.publicKey && <Copyable text={data.publicKey} />],
        [text.standard, data.standardSecret && <Copyable text={data.standardSecret} />],
        [
          text.previous,
          data.previous.length > 0 &&
            data.previous.map(({ secret, expiresAt }) => (
              <div key={secret}>
                <Copyable text={secret} />{' '}
                <span className="secondary">
                  {text.until} {formatMoment(expiresAt)}
                </span>
              </div>
            )),
        ],
        ...data.headers.map(
          ({ name, value }): Fact => [name, <Copyable key={name} text={value} />],
        ),
      ]}
    />
  );
}

interface RotateProps {
  readonly endpoint: EndpointRow['id'];
  readonly onClose: () => void;
  readonly onDone: () => void;
}

function Rotate({ endpoint, onClose, onDone }: RotateProps) {
  const api = useApi();
  const tenant = useTenant();
  const [overlap, setOverlap] = useState('86400');
  const [own, setOwn] = useState('');
  const rotate = useAction({
    run: () => {
      const secret = own.trim();
      const body = { overlapS: Number(overlap), ...(secret === '' ? {} : { secret }) };
      return api.rotateEndpointSecret({ tenant, endpoint, body });
    },
    done: () => text.rotated,
    touches: [[tenant, 'secret', endpoint]],
    after: () => {
      onDone();
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rotate.mutate(undefined);
  };
  return (
    <Dialog onClose={onClose} title={text.rotateTitle}>
      <form className={confirm.form} onSubmit={submit}>
        <Select
          label={text.rotateText}
          data={text.overlaps}
          value={overlap}
          onChange={(value) => setOverlap(value ?? '0')}
        />
        <PasswordInput
          label={text.own}
          autoComplete="off"
          value={own}
          onChange={(event) => setOwn(event.currentTarget.value)}
        />
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button type="submit" variant="filled" loading={rotate.isPending}>
            {text.rotate}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
