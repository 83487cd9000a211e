import { Fragment } from 'react';
import { groupBy } from '../data/group-by.ts';
import { Dialog } from '../parts/dialog.tsx';
import { keys } from '../strings/keys.ts';
import classes from './help.module.css';
import type { Shortcut } from './shortcuts.tsx';

/** `list` is what was registered when it opened: the dialog's own page has no keys. */
export function Help({ list, onClose }: { list: readonly Shortcut[]; onClose: () => void }) {
  const groups = groupBy(list, (shortcut) => shortcut.group);
  return (
    <Dialog onClose={onClose} title={keys.title}>
      <dl className={classes.list}>
        {[...groups].map(([group, shortcuts]) => (
          <Fragment key={group}>
            <dt className={classes.group}>{group}</dt>
            <dd />
            {[...new Map(shortcuts.map((one) => [one.keys, one])).values()].map((shortcut) => (
              <Fragment key={shortcut.keys}>
                <dt>{shortcut.label}</dt>
                <dd>
                  <Keys keys={shortcut.keys} />
                </dd>
              </Fragment>
            ))}
          </Fragment>
        ))}
      </dl>
    </Dialog>
  );
}

export function Keys({ keys: text }: { keys: string }) {
  return (
    <span className={classes.keys}>
      {text.split(' ').map((key) => (
        <kbd key={key}>{key}</kbd>
      ))}
    </span>
  );
}
