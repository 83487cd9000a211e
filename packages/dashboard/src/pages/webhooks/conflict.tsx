import { Button } from '@mantine/core';
import { diffJson } from '../../data/json-diff.ts';
import { DifferenceTable } from '../../parts/exchange/differences.tsx';
import { Section } from '../../parts/page.tsx';
import { form } from '../../strings/webhook-form.ts';
import classes from './form/form.module.css';
import type { Settings } from './form/form.tsx';

const text = form.conflict;

export interface ConflictProps {
  readonly theirs: Settings;
  readonly mine: Settings;
  readonly onTheirs: () => void;
  /** The form is submitted right after it. */
  readonly onMine: () => void;
}

/** Somebody else saved what is being edited: what differs, and the two ways on. */
export function Conflict({ theirs, mine, onTheirs, onMine }: ConflictProps) {
  const differences = diffJson(JSON.stringify(theirs), JSON.stringify(mine)) ?? [];
  return (
    <div className={classes.conflict} role="alert">
      <Section title={text.title}>
        <p>{text.about}</p>
        {differences.length > 0 && (
          <DifferenceTable
            name={text.differences}
            heads={[text.theirs, text.mine]}
            differences={differences}
          />
        )}
        <div className={classes.ways}>
          <Button onClick={onTheirs}>{text.showTheirs}</Button>
          <Button type="submit" onClick={onMine}>
            {text.saveMine}
          </Button>
        </div>
      </Section>
    </div>
  );
}
