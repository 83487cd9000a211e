import type { BodyText } from '../../data/bytes.ts';
import { parseHead } from '../../data/head.ts';
import { type Difference, diffEntries, diffJson } from '../../data/json-diff.ts';
import { exchange } from '../../strings/exchange.ts';
import classes from './differences.module.css';

const text = exchange.differences;
const HEADS = [text.before, text.after] as const;

export interface Message {
  readonly head: string;
  readonly body: BodyText | null | undefined;
}
export type Differing = readonly [name: string, differences: readonly Difference[]];

/** What differs, part by part; a part that does not is left out. */
export function Differences({ parts }: { parts: readonly Differing[] }) {
  const shown = parts.filter(([, differences]) => differences.length > 0);
  if (shown.length === 0) return <p className="secondary">{text.same}</p>;
  return shown.map(([name, differences]) => (
    <DifferenceTable key={name} name={name} heads={HEADS} differences={differences} />
  ));
}

/** New for every request: they always differ, and tell nothing. */
const ALWAYS_NEW = new Set(['webhook-timestamp', 'webhook-signature', 'webhook-id', 'date']);

export function headerDifferences(before: Message, after: Message): Difference[] {
  return diffEntries(headersOf(before), headersOf(after));
}

function headersOf({ head }: Message): Map<string, string> {
  const kept = parseHead(head).headers.filter(({ name }) => !ALWAYS_NEW.has(name.toLowerCase()));
  return new Map(kept.map(({ name, value }) => [name, value]));
}

/** Of JSON by its values; of anything else as a whole. */
export function bodyDifferences(before: Message['body'], after: Message['body']): Difference[] {
  const [old, now] = [before?.text ?? '', after?.text ?? ''];
  if (old === now) return [];
  return diffJson(old, now) ?? [{ path: '', before: old, after: now }];
}

export interface DifferenceTableProps {
  readonly name: string;
  readonly heads: readonly [before: string, after: string];
  readonly differences: readonly Difference[];
}

export function DifferenceTable(props: DifferenceTableProps) {
  const [before, after] = props.heads;
  return (
    <table className={classes.differences}>
      <caption>{props.name}</caption>
      <thead>
        <tr>
          <td />
          <th scope="col">{before}</th>
          <th scope="col">{after}</th>
        </tr>
      </thead>
      <tbody>
        {props.differences.map(({ path, before, after }) => (
          <tr key={path}>
            <th scope="row">{path}</th>
            <td data-kind="before">{before ?? '–'}</td>
            <td data-kind="after">{after ?? '–'}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
