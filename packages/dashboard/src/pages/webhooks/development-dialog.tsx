import { Autocomplete, Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { mistakesOf } from '../../data/mistakes.ts';
import { queries } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import confirm from '../../parts/confirm.module.css';
import { Dialog } from '../../parts/dialog.tsx';
import { common } from '../../strings/common.ts';
import { webhooks } from '../../strings/webhooks.ts';
import { useDuplicateForDevelopment } from './duplicate.ts';

const text = webhooks.detail;

/** Asks where the copy is to send: to a machine, or to an inbox that a machine listens to. */
export function DevelopmentDialog(props: { endpoint: EndpointRow; onClose: () => void }) {
  const { endpoint, onClose } = props;
  const { data: inboxes = [] } = useQuery(queries.inboxes(useApi(), useTenant()));
  const [url, setUrl] = useState('');
  const duplicate = useDuplicateForDevelopment(endpoint);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    duplicate.mutate(url.trim());
  };
  return (
    <Dialog title={text.forDevelopment} onClose={onClose}>
      <form className={confirm.form} onSubmit={submit}>
        <p>{text.forDevelopmentText}</p>
        <Autocomplete
          data-autofocus
          label={text.forDevelopmentUrl}
          placeholder="http://127.0.0.1:3000/webhooks"
          data={inboxes.map((inbox) => inbox.url)}
          value={url}
          error={mistakesOf(duplicate.error)['url']}
          onChange={setUrl}
        />
        <div className={confirm.buttons}>
          <Button onClick={onClose}>{common.cancel}</Button>
          <Button
            type="submit"
            variant="filled"
            loading={duplicate.isPending}
            disabled={url.trim() === ''}
          >
            {text.duplicate}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
