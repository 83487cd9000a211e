import { Button, Menu, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { copyText } from '../../app/clipboard.ts';
import { useApi, useApp } from '../../app/context.tsx';
import { useShortcut } from '../../app/shortcuts.tsx';
import { useToast } from '../../app/toasts.tsx';
import { asCurl, asFetch, type CopiedRequest } from '../../data/copy-as.ts';
import { parseHead } from '../../data/head.ts';
import { queries } from '../../data/queries.ts';
import type { WholeCapture } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { common } from '../../strings/common.ts';
import { exchange } from '../../strings/exchange.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { keys } from '../../strings/keys.ts';
import { type CaptureAddress, captureHead } from './capture-parts.ts';
import { ReplayCapture } from './replay-capture.tsx';
import { ShareDialog } from './share.tsx';

const text = inboxes.capture;

interface Tool {
  readonly address: CaptureAddress;
  readonly capture: WholeCapture;
}

export function Actions({ address, capture, close }: Tool & { close: () => void }) {
  const api = useApi();
  const { tenant } = address;
  const touches = [[tenant, 'captures']];
  const bookmark = useAction({
    run: () => api.markCapture({ ...address, body: { bookmarked: !capture.bookmarked } }),
    touches,
  });
  const remove = useAction({
    run: () => api.deleteCapture(address),
    done: () => text.deleted,
    touches,
    after: close,
  });
  const toggle = () => bookmark.mutate(undefined);
  const [replaying, setReplaying] = useState(false);
  const [sharing, setSharing] = useState(false);
  const replay = () => setReplaying(true);
  useShortcut({ keys: 'r', label: keys.resend, group: keys.delivery, run: replay });
  useShortcut({ keys: 'b', label: text.bookmark, group: keys.delivery, run: toggle });
  return (
    <>
      <Button onClick={replay} leftSection={<Icon name="retry" size={14} />}>
        {inboxes.replay.open}
      </Button>
      {replaying && (
        <ReplayCapture address={address} capture={capture} onClose={() => setReplaying(false)} />
      )}
      {sharing && (
        <ShareDialog inbox={address.inbox} capture={capture.id} onClose={() => setSharing(false)} />
      )}
      <IconButton
        icon="star"
        label={capture.bookmarked ? text.unbookmark : text.bookmark}
        pressed={capture.bookmarked}
        onClick={toggle}
      />
      <MoreMenu>
        <Menu.Item
          leftSection={<Icon name="plus" />}
          renderRoot={(props) => (
            <Link
              to="/$tenant/inboxes/$inbox/rules"
              params={{ tenant, inbox: address.inbox }}
              search={{ from: capture.id }}
              {...props}
            />
          )}
        >
          {text.makeRule}
        </Menu.Item>
        <Menu.Item leftSection={<Icon name="link" />} onClick={() => setSharing(true)}>
          {inboxes.share.titleOne}
        </Menu.Item>
        <Menu.Item
          color="red"
          leftSection={<Icon name="trash" />}
          onClick={() => remove.mutate(undefined)}
        >
          {text.delete}
        </Menu.Item>
      </MoreMenu>
    </>
  );
}

export function CopyMenu({ address, capture, reveal }: Tool & { reveal: boolean }) {
  const toast = useToast();
  const { apiText } = useApp();
  const { method, body } = capture;
  const { data } = useQuery(queries.inbox(useApi(), address.tenant, address.inbox));
  const copied: CopiedRequest = {
    method,
    url: (data?.url ?? '') + capture.path,
    head: parseHead(captureHead(capture)),
    body: body ?? { encoding: 'utf8', text: '' },
  };
  const copy = async (what: string) => {
    await copyText(what);
    toast({ text: common.copied });
  };
  const saveHar = async () => {
    const secrets = reveal ? 'true' : 'false';
    const one = { q: `id:${capture.id}`, limit: 1, secrets, format: 'har' } as const;
    const { tenant, inbox } = address;
    const content = await apiText('exportCaptures', { tenant, inbox, ...one });
    saveFile({ name: `${capture.id}.har`, type: 'application/json', content });
  };
  const curl = () => void copy(asCurl(copied));
  useShortcut({ keys: 'c', label: keys.copyCurl, group: keys.delivery, run: curl });
  return (
    <Menu>
      <Menu.Target>
        <Button rightSection={<Icon name="down" size={12} />}>{exchange.copyAs}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={curl}>{exchange.curl}</Menu.Item>
        <Menu.Item onClick={() => void copy(asFetch(copied))}>{exchange.fetch}</Menu.Item>
        <Menu.Item onClick={() => void saveHar()}>{exchange.har}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

export function Note({ address, capture }: Tool) {
  const api = useApi();
  const [note, setNote] = useState(capture.note);
  const save = useAction({
    run: () => api.markCapture({ ...address, body: { note } }),
    done: () => text.noteSaved,
    touches: [[address.tenant, 'captures', address.capture]],
  });
  return (
    <Textarea
      label={text.note}
      autosize
      minRows={1}
      maxLength={2000}
      value={note}
      onChange={(event) => setNote(event.currentTarget.value)}
      onBlur={() => note !== capture.note && save.mutate(undefined)}
    />
  );
}
