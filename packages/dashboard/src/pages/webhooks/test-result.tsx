import { formatMs } from '../../app/format.ts';
import type { EndpointTest } from '../../data/types.ts';
import { MessageView } from '../../parts/exchange/message-view.tsx';
import { Outcome } from '../../parts/status.tsx';
import { exchange } from '../../strings/exchange.ts';
import { webhooks } from '../../strings/webhooks.ts';
import classes from './test.module.css';

const text = webhooks.test;

/** What came of each sample: the verdict in a line, both sides when it is opened. */
export function TestResult({ result }: { result: EndpointTest }) {
  const { items, omitted } = result;
  return (
    <section className={classes.result} aria-label={text.result} aria-live="polite">
      {items.map((item) => (
        <details key={item.type} open={items.length === 1}>
          <summary>
            <Outcome
              state={item.ok ? 'succeeded' : 'failed'}
              status={item.status}
              fault={item.fault}
            />
            <span className="cut">{item.type}</span>
            <span className="secondary">{formatMs(item.durationMs)}</span>
          </summary>
          {!item.ok && item.detail !== '' && <p className={classes.detail}>{item.detail}</p>}
          {item.request.head !== '' && (
            <MessageView
              title={exchange.request}
              head={item.request.head}
              body={item.request.body}
            />
          )}
          {item.response && (
            <MessageView
              title={exchange.response}
              head={item.response.head}
              body={item.response.body}
              truncated={item.response.truncated}
            />
          )}
        </details>
      ))}
      {omitted > 0 && <p className="secondary">{text.omitted(omitted)}</p>}
      <p className="secondary">{text.notLogged}</p>
    </section>
  );
}
