import { useEffect, useState } from 'react';
import { copyText } from '../app/clipboard.ts';
import { common } from '../strings/common.ts';
import classes from './copy.module.css';
import { IconButton } from './icon-button.tsx';

const SHOWN_MS = 1500;

/** `text` may be made only when it is wanted. */
export function CopyButton({
  text,
  label = common.copy,
}: {
  text: string | (() => string);
  label?: string;
}) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = async () => {
    await copyText(typeof text === 'string' ? text : text());
    setCopied(true);
  };
  return (
    <span className={classes.button}>
      <IconButton
        icon={copied ? 'check' : 'copy'}
        label={copied ? common.copied : label}
        onClick={() => void copy()}
        size={24}
      />
      <output className="visually-hidden">{copied ? common.copied : ''}</output>
    </span>
  );
}

/** Machine text that people carry elsewhere: an id, a secret, a command. */
export function Copyable({
  text,
  shown = text,
  label = common.copy,
}: {
  text: string;
  shown?: string;
  label?: string;
}) {
  return (
    <span className={classes.copyable}>
      <code className="cut">{shown}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}

/** Commands, one block, copied whole. */
export function CommandBlock({ text }: { text: string }) {
  return (
    <div className={classes.block}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so keys must reach it. */}
      <pre tabIndex={0}>{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}
