import { common } from '../strings/common.ts';
import { Icon, type IconName } from './icon.tsx';
import classes from './status.module.css';

export type Mark = keyof typeof common.states;

/** A shape, a word and a colour; each alone tells it. */
const MARKS: Readonly<Record<Mark, { icon: IconName; tone: Tone }>> = {
  succeeded: { icon: 'check', tone: 'ok' },
  failed: { icon: 'cross', tone: 'bad' },
  pending: { icon: 'clock', tone: 'wait' },
  retrying: { icon: 'retry', tone: 'warn' },
  cancelled: { icon: 'ban', tone: 'quiet' },
  paused: { icon: 'pause', tone: 'warn' },
  disabled: { icon: 'warning', tone: 'bad' },
  off: { icon: 'ban', tone: 'quiet' },
  on: { icon: 'check', tone: 'ok' },
  healthy: { icon: 'check', tone: 'ok' },
  failing: { icon: 'warning', tone: 'bad' },
  idle: { icon: 'dot', tone: 'quiet' },
};
export type Tone = 'ok' | 'bad' | 'warn' | 'wait' | 'quiet';

export interface StatusProps {
  readonly mark: Mark;
  /** In place of the word: `200`, `timeout`. The word is still read aloud. */
  readonly text?: string | undefined;
}

export function Status({ mark, text }: StatusProps) {
  const { icon, tone } = MARKS[mark];
  const word = common.states[mark];
  return (
    <span className={classes.status} data-tone={tone} title={text === undefined ? undefined : word}>
      <Icon name={icon} size={14} />
      {text === undefined ? (
        <span>{word}</span>
      ) : (
        <>
          <span className="visually-hidden">{word}: </span>
          <span className="cut">{text}</span>
        </>
      )}
    </span>
  );
}

/** How an attempt ended: with what it was answered, else by the name of the fault. */
export function Outcome(props: {
  state: 'pending' | 'succeeded' | 'failed' | 'cancelled';
  status: number | null;
  fault: string | null;
  attempts?: number;
}) {
  const { state, status, fault, attempts = 1 } = props;
  const mark = state === 'pending' && attempts > 0 ? 'retrying' : state;
  const text = status === null ? fault?.replaceAll('_', ' ') : String(status);
  return <Status mark={mark} text={text} />;
}
