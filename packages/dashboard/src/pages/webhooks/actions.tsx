import { Button, Menu } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { nameOf } from '../../data/queries.ts';
import type { EndpointRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Confirm } from '../../parts/confirm.tsx';
import { Icon } from '../../parts/icon.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { webhooks } from '../../strings/webhooks.ts';
import { ReplayDialog } from '../replays/replay-dialog.tsx';
import { DevelopmentDialog } from './development-dialog.tsx';
import { useDuplicate } from './duplicate.ts';

const text = webhooks.detail;

export function Actions({ endpoint, onEdit }: { endpoint: EndpointRow; onEdit: () => void }) {
  const [dialog, setDialog] = useState<'delete' | 'development' | 'replay'>();
  const close = () => setDialog(undefined);
  const duplicate = useDuplicate(endpoint);
  // What an app was granted changes and goes with the app.
  const own = endpoint.grant === null;
  return (
    <>
      <PauseOrResume endpoint={endpoint} />
      {own && (
        <Button onClick={onEdit} leftSection={<Icon name="edit" size={14} />}>
          {text.edit}
        </Button>
      )}
      <MoreMenu>
        <Menu.Item leftSection={<Icon name="retry" />} onClick={() => setDialog('replay')}>
          {text.replay}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="copy" />} onClick={() => duplicate.mutate(undefined)}>
          {text.duplicate}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="inbox" />} onClick={() => setDialog('development')}>
          {text.forDevelopment}
          <div className="small secondary">{text.forDevelopmentAbout}</div>
        </Menu.Item>
        {own && (
          <Menu.Item
            color="red"
            leftSection={<Icon name="trash" />}
            onClick={() => setDialog('delete')}
          >
            {text.delete}
          </Menu.Item>
        )}
      </MoreMenu>
      {dialog === 'delete' && <Delete endpoint={endpoint} onClose={close} />}
      {dialog === 'development' && <DevelopmentDialog endpoint={endpoint} onClose={close} />}
      {dialog === 'replay' && <ReplayDialog endpoints={[endpoint.id]} onClose={close} />}
    </>
  );
}

function PauseOrResume({ endpoint }: { endpoint: EndpointRow }) {
  const api = useApi();
  const tenant = useTenant();
  const touches = [[tenant, 'endpoints']];
  const address = { tenant, endpoint: endpoint.id };
  const held = endpoint.paused || endpoint.disabled !== null;
  const action = useAction({
    run: () => (held ? api.resumeEndpoint(address) : api.pauseEndpoint(address)),
    done: () => (held ? text.resumed : text.paused),
    touches,
  });
  return (
    <Button
      onClick={() => action.mutate(undefined)}
      loading={action.isPending}
      leftSection={<Icon name={held ? 'play' : 'pause'} size={14} />}
    >
      {held ? text.resume : text.pause}
    </Button>
  );
}

function Delete({ endpoint, onClose }: { endpoint: EndpointRow; onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  const navigate = useNavigate();
  const remove = useAction({
    run: () => api.deleteEndpoint({ tenant, endpoint: endpoint.id }),
    done: () => text.deleted,
    after: () => void navigate({ to: '/$tenant/webhooks', params: { tenant } }),
    // Not what was read of it: that would be asked for again, and is gone.
    touches: [[tenant, 'endpoints', 'list']],
  });
  return (
    <Confirm
      title={text.deleteTitle}
      action={text.delete}
      name={nameOf(endpoint)}
      busy={remove.isPending}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      {text.deleteText}
    </Confirm>
  );
}
