import { formatMs } from '../../app/format.ts';
import type { WholeCapture } from '../../data/types.ts';
import { MessageView } from '../../parts/exchange/message-view.tsx';
import { Section } from '../../parts/page.tsx';
import { Status } from '../../parts/status.tsx';
import { Ago } from '../../parts/time.tsx';
import { exchange } from '../../strings/exchange.ts';
import { inboxes } from '../../strings/inboxes.ts';
import classes from './inboxes.module.css';

const text = inboxes.capture;
type Exchange = WholeCapture['log'][number];

/** What was done with a capture, newest first: answers, deliveries to listeners, replays. */
export function ExchangeLog({ log }: { log: WholeCapture['log'] }) {
  if (log.length === 0) return null;
  return (
    <Section title={text.log}>
      <div className={classes.log}>
        {log.toReversed().map((one) => (
          <Entry key={`${one.at} ${one.kind} ${one.to}`} entry={one} />
        ))}
      </div>
    </Section>
  );
}

function Entry({ entry }: { entry: Exchange }) {
  const { kind, to, at, status, error, durationMs, request, response } = entry;
  const mark = status !== null && status < 400 ? 'succeeded' : 'failed';
  return (
    <details className={classes.exchange}>
      <summary>
        <Status mark={mark} text={status === null ? (error ?? '') : String(status)} />
        <span className="cut">
          {text.kinds[kind] ?? kind} <span className="secondary">{to}</span>
        </span>
        <span className="secondary">{formatMs(durationMs)}</span>
        <span className="secondary">
          <Ago at={at} />
        </span>
      </summary>
      <div>
        {error !== null && <p>{error}</p>}
        {request && (
          <MessageView
            title={exchange.request}
            head={request.head}
            body={request.body ?? { encoding: 'utf8', text: '' }}
          />
        )}
        {response && (
          <MessageView
            title={exchange.response}
            head={response.head}
            body={response.body}
            truncated={response.truncated}
          />
        )}
      </div>
    </details>
  );
}
