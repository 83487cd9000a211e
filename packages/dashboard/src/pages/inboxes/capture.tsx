import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useRights } from '../../app/context.tsx';
import { formatBytes, formatMoment, formatMs } from '../../app/format.ts';
import { useShortcut } from '../../app/shortcuts.tsx';
import type { WholeCapture } from '../../data/types.ts';
import { Copyable } from '../../parts/copy.tsx';
import { MessageView } from '../../parts/exchange/message-view.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Facts } from '../../parts/facts.tsx';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { Section } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';
import { activity } from '../../strings/activity.ts';
import { exchange } from '../../strings/exchange.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { keys } from '../../strings/keys.ts';
import pane from '../activity/attempt.module.css';
import { answeredBy } from './answer.ts';
import { CaptureComparison } from './capture-comparison.tsx';
import { AnswerMark, SignatureMark } from './capture-list.tsx';
import { type CaptureAddress, captureHead } from './capture-parts.ts';
import { Actions, CopyMenu, Note } from './capture-tools.tsx';
import { ExchangeLog } from './exchange-log.tsx';
import classes from './inboxes.module.css';
import { LargeBody } from './large-body.tsx';

const text = inboxes.capture;
const route = getRouteApi('/$tenant/inboxes/$inbox');
const UNANSWERED_MS = 1000;

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
    // The same capture with other eyes: what is open in it stays open.
    placeholderData: (before) => (before?.id === address.capture ? before : undefined),
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
  const [comparing, setComparing] = useState(false);
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
        <SignatureVerdict capture={capture} />
        <AboutCapture capture={capture} />
        {comparing && <CaptureComparison address={address} capture={capture} />}
        <MessageView
          title={exchange.request}
          head={captureHead(capture)}
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
          {body && <CopyMenu address={address} capture={capture} reveal={reveal} />}
          <Button onClick={() => setComparing(!comparing)} aria-pressed={comparing}>
            {text.compare}
          </Button>
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

function SignatureVerdict({ capture }: { capture: WholeCapture }) {
  const { signature, verdict, schema } = capture;
  return (
    <div>
      <p className={classes.signature}>
        <SignatureMark signature={signature} />
        <span className="secondary">{verdict.reason}</span>
      </p>
      {verdict.hint !== null && <p className="secondary">{verdict.hint}</p>}
      {schema && !schema.fits && (
        <p className="secondary">
          {schema.message}{' '}
          {schema.errors.map(({ path, message }) => `${path}: ${message}`).join('; ')}
        </p>
      )}
    </div>
  );
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
        [text.sender, capture.sender],
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
