import { Button, Menu, Textarea } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { copyText } from '../../app/clipboard.ts';
import { useApi, useRights } from '../../app/context.tsx';
import { formatBytes, formatMoment, formatMs } from '../../app/format.ts';
import { useShortcut } from '../../app/shortcuts.tsx';
import { useToast } from '../../app/toasts.tsx';
import { asCurl, asFetch, type CopiedRequest } from '../../data/copy-as.ts';
import { parseHead } from '../../data/head.ts';
import { queries } from '../../data/queries.ts';
import type { CaptureRow, InboxRow, WholeCapture } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { MessageView } from '../../parts/exchange/message-view.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { Section } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { activity } from '../../strings/activity.ts';
import { common } from '../../strings/common.ts';
import { exchange } from '../../strings/exchange.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { keys } from '../../strings/keys.ts';
import pane from '../activity/attempt.module.css';
import { answeredBy } from './answer.ts';
import { AnswerMark } from './capture-list.tsx';
import { ExchangeLog } from './exchange-log.tsx';
import { LargeBody } from './large-body.tsx';

const text = inboxes.capture;
const route = getRouteApi('/$tenant/inboxes/$inbox');
const UNANSWERED_MS = 1000;

export interface CaptureAddress {
  readonly tenant: string;
  readonly inbox: InboxRow['id'];
  readonly capture: CaptureRow['id'];
}

/** One captured request whole, beside the list it was opened from. */
export function CapturePane() {
  const params = useParams({ from: '/$tenant/inboxes/$inbox/$capture' });
  const address = params as CaptureAddress;
  const api = useApi();
  const [reveal, setReveal] = useState(false);
  const close = useClose(address);
  useShortcut({ keys: 'Escape', label: keys.closeDetail, group: keys.delivery, run: close });
  const { data, error, refetch } = useQuery({
    queryKey: [address.tenant, 'captures', address.capture, reveal],
    queryFn: ({ signal }) =>
      api.getCapture({ ...address, reveal: reveal ? 'true' : 'false' }, { signal }),
    refetchInterval: (query) => (query.state.data?.status === null ? UNANSWERED_MS : false),
  });
  return (
    <section className={pane.pane} aria-label={text.title}>
      {data && (
        <Whole
          key={data.id}
          address={address}
          capture={data}
          reveal={reveal}
          onReveal={() => setReveal(!reveal)}
          close={close}
        />
      )}
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
    </section>
  );
}

function useClose({ tenant, inbox }: CaptureAddress): () => void {
  const navigate = useNavigate();
  const search = route.useSearch();
  return () => void navigate({ to: '/$tenant/inboxes/$inbox', params: { tenant, inbox }, search });
}

interface WholeProps {
  readonly address: CaptureAddress;
  readonly capture: WholeCapture;
  readonly reveal: boolean;
  readonly onReveal: () => void;
  readonly close: () => void;
}

function Whole({ address, capture, reveal, onReveal, close }: WholeProps) {
  const { write } = useRights();
  const { body } = capture;
  return (
    <>
      <header className={pane.head}>
        <div className={pane.title}>
          <AnswerMark row={capture} />
          <h2 className="cut">{capture.type ?? `${capture.method} ${capture.path}`}</h2>
        </div>
        <div className={pane.actions}>
          {write && <Actions address={address} capture={capture} close={close} />}
          <IconButton icon="close" label={activity.detail.closeLabel} onClick={close} />
        </div>
      </header>
      <div className={pane.body}>
        <p className={pane.verdict}>{verdictOf(capture)}</p>
        <AboutCapture capture={capture} />
        <MessageView
          title={exchange.request}
          head={headOf(capture)}
          body={body ?? { encoding: 'utf8', text: '' }}
          instead={body === null && <LargeBody address={address} bytes={capture.bodyBytes} />}
        >
          {write && (
            <Button
              onClick={onReveal}
              aria-pressed={reveal}
              leftSection={<Icon name="eye" size={14} />}
            >
              {reveal ? text.mask : text.reveal}
            </Button>
          )}
          {body && <CopyMenu address={address} capture={capture} />}
        </MessageView>
        {capture.truncated && (
          <p className="secondary">
            {text.truncated(formatBytes(keptBytes(capture)), formatBytes(capture.bodyBytes))}
          </p>
        )}
        <Parts capture={capture} />
        <ExchangeLog log={capture.log} />
        {write && <Note address={address} capture={capture} />}
      </div>
    </>
  );
}

function verdictOf(capture: WholeCapture): string {
  const { status, durationMs, error } = capture;
  if (status === null) return error ?? text.unanswered;
  const took = durationMs === null ? '' : formatMs(durationMs);
  return text.answered(status, answeredBy(capture), took);
}

/** As it came: the first line, then the headers in their order. */
function headOf({ method, target, headers }: WholeCapture): string {
  const lines = headers.map(({ name, value }) => `${name}: ${value}`);
  return [`${method} ${target} HTTP/1.1`, ...lines].join('\r\n');
}

function keptBytes({ body, bodyBytes }: WholeCapture): number {
  if (!body) return bodyBytes;
  if (body.encoding === 'utf8') return new TextEncoder().encode(body.text).length;
  return Math.floor((body.text.length * 3) / 4);
}

function AboutCapture({ capture }: { capture: WholeCapture }) {
  return (
    <Facts
      facts={[
        ['Id', <Copyable key="id" text={capture.id} />],
        [text.message, capture.messageId && <Copyable text={capture.messageId} />],
        [text.received, formatMoment(capture.receivedAt)],
        [text.from, capture.remoteAddress],
        [text.size, formatBytes(capture.bodyBytes)],
      ]}
    />
  );
}

function Parts({ capture }: { capture: WholeCapture }) {
  if (capture.parts.length === 0) return null;
  const columns: Column<WholeCapture['parts'][number]>[] = [
    { head: text.part.name, cell: ({ name }) => name },
    { head: text.part.file, cell: ({ filename }) => filename },
    { head: text.part.type, wide: true, cell: ({ contentType }) => contentType },
    { head: text.part.size, align: 'end', cell: ({ bytes }) => formatBytes(bytes) },
  ];
  return (
    <Section title={text.parts}>
      <Table
        label={text.parts}
        columns={columns}
        rows={capture.parts}
        keyOf={({ offset }) => String(offset)}
      />
    </Section>
  );
}

function Actions({ address, capture, close }: Pick<WholeProps, 'address' | 'capture' | 'close'>) {
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
  useShortcut({ keys: 'b', label: text.bookmark, group: keys.delivery, run: toggle });
  return (
    <>
      <IconButton
        icon="star"
        label={capture.bookmarked ? text.unbookmark : text.bookmark}
        pressed={capture.bookmarked}
        onClick={toggle}
      />
      <Menu>
        <Menu.Target>
          <Button aria-label={common.more} px={6}>
            <Icon name="more" />
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item
            color="red"
            leftSection={<Icon name="trash" />}
            onClick={() => remove.mutate(undefined)}
          >
            {text.delete}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </>
  );
}

function CopyMenu({ address, capture }: Pick<WholeProps, 'address' | 'capture'>) {
  const toast = useToast();
  const { method, body } = capture;
  const { data } = useQuery(queries.inbox(useApi(), address.tenant, address.inbox));
  const copied: CopiedRequest = {
    method,
    url: (data?.url ?? '') + capture.path,
    head: parseHead(headOf(capture)),
    body: body ?? { encoding: 'utf8', text: '' },
  };
  const copy = async (what: string) => {
    await copyText(what);
    toast({ text: common.copied });
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
      </Menu.Dropdown>
    </Menu>
  );
}

function Note({ address, capture }: Pick<WholeProps, 'address' | 'capture'>) {
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
