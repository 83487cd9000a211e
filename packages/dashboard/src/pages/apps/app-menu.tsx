import { Button, Menu } from '@mantine/core';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import type { AppRow } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Confirm } from '../../parts/confirm.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Icon } from '../../parts/icon.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { apps } from '../../strings/apps.ts';
import { common } from '../../strings/common.ts';

export function AppMenu({ app, onEdit }: { app: AppRow; onEdit: () => void }) {
  const [dialog, setDialog] = useState<'delete' | 'secret'>();
  const signing = useSigningSecret(app);
  return (
    <>
      <MoreMenu label={apps.actions(app.name)} loading={signing.isPending}>
        <Menu.Item leftSection={<Icon name="edit" />} onClick={onEdit}>
          {common.edit}
        </Menu.Item>
        {!app.public && (
          <Menu.Item leftSection={<Icon name="key" />} onClick={() => setDialog('secret')}>
            {apps.secret}
          </Menu.Item>
        )}
        <Menu.Item leftSection={<Icon name="eye" />} onClick={() => signing.mutate(undefined)}>
          {apps.signingSecret}
        </Menu.Item>
        <Menu.Item
          color="red"
          leftSection={<Icon name="trash" />}
          onClick={() => setDialog('delete')}
        >
          {common.delete}
        </Menu.Item>
      </MoreMenu>
      {dialog === 'secret' && <NewSecret app={app} onClose={() => setDialog(undefined)} />}
      {dialog === 'delete' && <Delete app={app} onClose={() => setDialog(undefined)} />}
      {signing.data && (
        <Shown
          title={app.name}
          about={apps.signingSecretText}
          secret={signing.data.secret}
          onClose={signing.reset}
        />
      )}
    </>
  );
}

function useSigningSecret(app: AppRow) {
  const api = useApi();
  const tenant = useTenant();
  return useAction({ run: () => api.getAppSigningSecret({ tenant, app: app.id }) });
}

interface DialogProps {
  readonly app: AppRow;
  readonly onClose: () => void;
}

function NewSecret({ app, onClose }: DialogProps) {
  const api = useApi();
  const tenant = useTenant();
  const make = useAction({
    run: () => api.createAppSecret({ tenant, app: app.id }),
    touches: [
      [tenant, 'apps'],
      [tenant, 'audit'],
    ],
  });
  if (make.data) {
    const { clientSecret } = make.data;
    return (
      <Shown title={app.name} about={apps.secretShown} secret={clientSecret} onClose={onClose} />
    );
  }
  return (
    <Confirm
      title={apps.secretTitle}
      action={apps.secret}
      busy={make.isPending}
      onConfirm={() => make.mutate(undefined)}
      onClose={onClose}
    >
      {app.clientSecret ? apps.secretText : null}
    </Confirm>
  );
}

interface ShownProps {
  readonly title: string;
  readonly about: string;
  readonly secret: string;
  readonly onClose: () => void;
}

function Shown({ title, about, secret, onClose }: ShownProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <div className={confirm.form}>
        <p>{about}</p>
        <Copyable text={secret} />
        <div className={confirm.buttons}>
          <Button variant="filled" onClick={onClose}>
            {common.close}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function Delete({ app, onClose }: DialogProps) {
  const api = useApi();
  const tenant = useTenant();
  const remove = useAction({
    run: () => api.deleteApp({ tenant, app: app.id }),
    done: () => apps.deleted,
    touches: [
      [tenant, 'apps'],
      [tenant, 'grants'],
      [tenant, 'audit'],
    ],
    after: onClose,
  });
  return (
    <Confirm
      title={apps.deleteTitle}
      action={common.delete}
      name={app.name}
      busy={remove.isPending}
      onConfirm={() => remove.mutate(undefined)}
      onClose={onClose}
    >
      {apps.deleteText}
    </Confirm>
  );
}
