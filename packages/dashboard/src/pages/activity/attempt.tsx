import { Button, Menu } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { copyText } from '../../app/clipboard.ts';
import { useApi, useApp, useRights, useTenant } from '../../app/context.tsx';
import { formatMoment } from '../../app/format.ts';
import { useShortcut } from '../../app/shortcuts.tsx';
import { useToast } from '../../app/toasts.tsx';
import { asCurl, asFetch, type CopiedRequest } from '../../data/copy-as.ts';
import { parseHead } from '../../data/head.ts';
import { useEndpointNames } from '../../data/queries.ts';
import type { WholeAttempt } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import { Copyable } from '../../parts/copy.tsx';
import { MessageView } from '../../parts/exchange/message-view.tsx';
import { Failed, Loading } from '../../parts/faces.tsx';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { MoreMenu } from '../../parts/more-menu.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { Outcome } from '../../parts/status.tsx';
import { activity } from '../../strings/activity.ts';
import { common } from '../../strings/common.ts';
import { exchange } from '../../strings/exchange.ts';
import { keys } from '../../strings/keys.ts';
import classes from './attempt.module.css';
import { Comparison } from './comparison.tsx';
import { Timeline } from './timeline.tsx';
import { Timings } from './timings.tsx';
import { verdictOf } from './verdict.ts';

const text = activity.detail;

/** One attempt whole, beside the list it was opened from. */
export function AttemptPane() {
  const { attempt: id } = useParams({ from: '/$tenant/activity/$attempt' });
  const api = useApi();
  const tenant = useTenant();
  const close = useClose();
  useShortcut({ keys: 'Escape', label: keys.closeDetail, group: keys.delivery, run: close });
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'attempts', id],
    queryFn: ({ signal }) =>
      api.getAttempt({ tenant, attempt: id as WholeAttempt['id'] }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <section className={classes.pane} aria-label={text.title}>
      {data && <Whole key={data.id} attempt={data} close={close} />}
      {!data && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
    </section>
  );
}

function useClose(): () => void {
  const navigate = useNavigate();
  const tenant = useTenant();
  const search = useSearch({ from: '/$tenant/activity' });
  return () => void navigate({ to: '/$tenant/activity', params: { tenant }, search });
}

function Whole({ attempt, close }: { attempt: WholeAttempt; close: () => void }) {
  const { request, response } = attempt;
  const [comparing, setComparing] = useState(false);
  return (
    <>
      <Head attempt={attempt} close={close} />
      <div className={classes.body}>
        <Facts attempt={attempt} />
        {comparing && <Comparison attempt={attempt} />}
        {request.head === '' ? (
          <p className="secondary">{text.noRequest}</p>
        ) : (
          <MessageView title={exchange.request} head={request.head} body={request.body}>
            <CopyMenu attempt={attempt} />
            <Button onClick={() => setComparing(!comparing)} aria-pressed={comparing}>
              {activity.comparison.open}
            </Button>
          </MessageView>
        )}
        {response ? (
          <MessageView
            title={exchange.response}
            head={response.head}
            body={response.body}
            truncated={response.truncated}
          />
        ) : (
          request.head !== '' && (
            <section aria-label={exchange.response}>
              <h2>{exchange.response}</h2>
              <p className="secondary">{exchange.noResponse}</p>
            </section>
          )
        )}
        <Timings timings={attempt.timings} />
        <Timeline attempt={attempt} />
      </div>
    </>
  );
}

function Head({ attempt, close }: { attempt: WholeAttempt; close: () => void }) {
  const nameOf = useEndpointNames();
  const tenant = useTenant();
  const { state, status, fault, type, endpoint } = attempt;
  return (
    <header className={classes.head}>
      <div className={classes.title}>
        <Outcome state={state} status={status} fault={fault} />
        <h2 className="cut">{type}</h2>
        <span className="secondary">→</span>
        <Link
          to="/$tenant/webhooks/$endpoint"
          params={{ tenant, endpoint }}
          className={`${classes.webhook} cut`}
        >
          {nameOf(endpoint)}
        </Link>
      </div>
      <div className={classes.actions}>
        <Resend attempt={attempt} />
        <IconButton icon="close" label={text.closeLabel} onClick={close} />
      </div>
    </header>
  );
}

/** The verdict in a sentence, then what one copies to look further. */
function Facts({ attempt }: { attempt: WholeAttempt }) {
  const tenant = useTenant();
  const { event, startedAt, remoteAddress, afterCrash } = attempt;
  return (
    <div className={classes.facts}>
      <p className={classes.verdict}>{verdictOf(attempt)}</p>
      {afterCrash && <p className="secondary">{text.afterCrash}</p>}
      <dl className={classes.ids}>
        <dt>{text.event}</dt>
        <dd>
          <Link to="/$tenant/events/$event" params={{ tenant, event }} className="mono cut">
            {event}
          </Link>
        </dd>
        <dt>{activity.heads.attempts[5]}</dt>
        <dd>{formatMoment(startedAt)}</dd>
        {remoteAddress !== null && (
          <>
            <dt>{text.address}</dt>
            <dd>
              <Copyable text={remoteAddress} />
            </dd>
          </>
        )}
      </dl>
    </div>
  );
}

function Resend({ attempt }: { attempt: WholeAttempt }) {
  const { write } = useRights();
  const api = useApi();
  const tenant = useTenant();
  const { delivery, state } = attempt;
  const touches = [[tenant, 'deliveries']];
  const resend = useAction({
    run: (newId: boolean) => api.resendDelivery({ tenant, delivery, body: { newId } }),
    done: () => text.resent,
    touches,
  });
  const retry = useAction({
    run: () => api.retryDelivery({ tenant, delivery }),
    done: () => text.hastened,
    touches,
  });
  const cancel = useAction({
    run: () => api.cancelDelivery({ tenant, delivery }),
    done: () => text.cancelled,
    touches,
  });
  const pending = state === 'pending';
  const edit = useEdit(attempt.event);
  const main = () => (pending ? retry.mutate(undefined) : resend.mutate(false));
  useShortcut({ keys: 'r', label: keys.resend, group: keys.delivery, run: main }, write);
  if (!write) return null;
  return (
    <>
      <Button
        onClick={main}
        loading={resend.isPending || retry.isPending}
        leftSection={<Icon name="retry" size={14} />}
      >
        {pending ? text.tryNow : text.resend}
      </Button>
      <MoreMenu>
        {edit && (
          <Menu.Item leftSection={<Icon name="edit" />} onClick={edit}>
            {text.edit}
            <div className="small secondary">{text.editAbout}</div>
          </Menu.Item>
        )}
        {pending ? (
          <Menu.Item leftSection={<Icon name="ban" />} onClick={() => cancel.mutate(undefined)}>
            {text.cancel}
          </Menu.Item>
        ) : (
          <Menu.Item leftSection={<Icon name="retry" />} onClick={() => resend.mutate(true)}>
            {text.resendNewId}
            <div className="small secondary">{text.resendAbout}</div>
          </Menu.Item>
        )}
      </MoreMenu>
    </>
  );
}

/** Opens the event to be changed and posted as a new one; undefined = the person may not. */
function useEdit(event: WholeAttempt['event']): (() => void) | undefined {
  const { publish } = useRights();
  const tenant = useTenant();
  const navigate = useNavigate();
  const edit = () =>
    void navigate({ to: '/$tenant/events/new', params: { tenant }, search: { from: event } });
  useShortcut({ keys: 'e', label: keys.editResend, group: keys.delivery, run: edit }, publish);
  return publish ? edit : undefined;
}

function CopyMenu({ attempt }: { attempt: WholeAttempt }) {
  const toast = useToast();
  const { apiText } = useApp();
  const tenant = useTenant();
  const { request } = attempt;
  const copied: CopiedRequest = { ...request, head: parseHead(request.head) };
  const copy = async (what: string) => {
    await copyText(what);
    toast({ text: common.copied });
  };
  const saveHar = async () => {
    const content = await apiText('getAttemptHar', { tenant, attempt: attempt.id });
    saveFile({ name: `${attempt.id}.har`, type: 'application/json', content });
  };
  useShortcut({
    keys: 'c',
    label: keys.copyCurl,
    group: keys.delivery,
    run: () => void copy(asCurl(copied)),
  });
  return (
    <Menu>
      <Menu.Target>
        <Button rightSection={<Icon name="down" size={12} />}>{exchange.copyAs}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => void copy(asCurl(copied))}>{exchange.curl}</Menu.Item>
        <Menu.Item onClick={() => void copy(asFetch(copied))}>{exchange.fetch}</Menu.Item>
        <Menu.Item onClick={() => void saveHar()}>{exchange.har}</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
