import { Button, Switch, TagsInput, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { queries } from '../../data/queries.ts';
import type { CaptureRow, InboxRow, WholeCapture } from '../../data/types.ts';
import { useAction } from '../../parts/actions.tsx';
import confirm from '../../parts/confirm.module.css';
import { Failed, Loading } from '../../parts/faces.tsx';
import form from '../../parts/form.module.css';
import { Icon } from '../../parts/icon.tsx';
import { IconButton } from '../../parts/icon-button.tsx';
import { Page } from '../../parts/page.tsx';
import { common } from '../../strings/common.ts';
import { inboxes } from '../../strings/inboxes.ts';
import { answerMistakes } from './answer.ts';
import { AnswerFields } from './answer-fields.tsx';
import classes from './inboxes.module.css';
import { newRule, type Rule, type RuleDraft, ruleDraftOf, ruleLike, ruleOf } from './rule-draft.ts';

const text = inboxes.rule;

export function InboxRules() {
  const params = useParams({ from: '/$tenant/inboxes/$inbox/rules' });
  const inbox = params.inbox as InboxRow['id'];
  const api = useApi();
  const tenant = useTenant();
  const about = useQuery(queries.inbox(api, tenant, inbox));
  const { data, error, refetch } = useQuery({
    queryKey: [tenant, 'inboxes', inbox, 'rules'],
    queryFn: ({ signal }) => api.getInboxRules({ tenant, inbox }, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { from } = useSearch({ from: '/$tenant/inboxes/$inbox/rules' });
  const capture = useQuery({
    queryKey: [tenant, 'captures', from, 'as-rule'],
    queryFn: ({ signal }) =>
      api.getCapture({ tenant, inbox, capture: from as CaptureRow['id'] }, { signal }),
    enabled: from !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const ready = data && !capture.isLoading;
  const name = about.data?.title || about.data?.name || inboxes.title;
  return (
    <Page
      title={inboxes.rules}
      about={text.about}
      back={{ label: name, link: { to: '/$tenant/inboxes/$inbox', params: { tenant, inbox } } }}
    >
      {!ready && !error && <Loading />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {ready && (
        <Editor key={data.version} inbox={inbox} {...data} like={capture.data ?? undefined} />
      )}
    </Page>
  );
}

interface EditorProps {
  readonly inbox: InboxRow['id'];
  readonly rules: readonly Rule[];
  readonly version: number;
  /** What a first new rule is to answer. */
  readonly like: WholeCapture | undefined;
}

function Editor({ inbox, rules, version, like }: EditorProps) {
  const api = useApi();
  const tenant = useTenant();
  const [drafts, setDrafts] = useState(() => [
    ...(like ? [ruleLike(like)] : []),
    ...rules.map(ruleDraftOf),
  ]);
  const [made, setMade] = useState(0);
  const save = useAction({
    run: () => {
      const body = { rules: drafts.map(ruleOf), version };
      return api.putInboxRules({ tenant, inbox, body });
    },
    done: () => text.saved,
    touches: [[tenant, 'inboxes', inbox, 'rules']],
  });
  const add = () => {
    setMade(made + 1);
    setDrafts([...drafts, newRule(`new-${made}`)]);
  };
  const move = (index: number, by: number) => {
    const next = [...drafts];
    const [rule] = next.splice(index, 1);
    if (rule) next.splice(index + by, 0, rule);
    setDrafts(next);
  };
  const wrong = drafts.some(({ answer }) => Object.keys(answerMistakes(answer)).length > 0);
  return (
    <div className={form.form}>
      <div className={form.fields}>
        {drafts.length === 0 && <p className="secondary">{text.none}</p>}
        {drafts.map((draft, index) => (
          <RuleBox
            key={draft.key}
            draft={draft}
            place={{ index, last: drafts.length - 1 }}
            set={(change) =>
              setDrafts(drafts.map((one, i) => (i === index ? { ...one, ...change } : one)))
            }
            move={(by) => move(index, by)}
            remove={() => setDrafts(drafts.filter((_, i) => i !== index))}
          />
        ))}
        <div>
          <Button onClick={add} leftSection={<Icon name="plus" size={14} />}>
            {text.add}
          </Button>
        </div>
      </div>
      <div className={form.foot}>
        <Button
          variant="filled"
          disabled={wrong}
          loading={save.isPending}
          onClick={() => save.mutate(undefined)}
        >
          {common.save}
        </Button>
      </div>
    </div>
  );
}

interface RuleBoxProps {
  readonly draft: RuleDraft;
  readonly place: { readonly index: number; readonly last: number };
  readonly set: (change: Partial<RuleDraft>) => void;
  readonly move: (by: number) => void;
  readonly remove: () => void;
}

function RuleBox({ draft, place, set, move, remove }: RuleBoxProps) {
  const { index, last } = place;
  const name = draft.name || text.unnamed(index + 1);
  return (
    <section className={classes.rule} aria-label={name}>
      <div className={classes.ruleHead}>
        <Switch
          aria-label={`${text.enabled}: ${name}`}
          checked={draft.enabled}
          onChange={(event) => set({ enabled: event.currentTarget.checked })}
        />
        <TextInput
          className={classes.ruleName}
          aria-label={text.name}
          placeholder={text.unnamed(index + 1)}
          value={draft.name}
          onChange={(event) => set({ name: event.currentTarget.value })}
        />
        <span className="secondary">{text.hits(draft.hits)}</span>
        <IconButton
          icon="up"
          label={common.moveUp}
          disabled={index === 0}
          onClick={() => move(-1)}
        />
        <IconButton
          icon="down"
          label={common.moveDown}
          disabled={index === last}
          onClick={() => move(1)}
        />
        <IconButton icon="trash" label={common.remove} onClick={remove} />
      </div>
      <div className={classes.ruleParts}>
        <fieldset>
          <legend>{text.when}</legend>
          <When draft={draft} set={set} />
        </fieldset>
        <fieldset>
          <legend>{text.answer}</legend>
          <AnswerFields
            draft={draft.answer}
            set={(change) => set({ answer: { ...draft.answer, ...change } })}
          />
        </fieldset>
      </div>
    </section>
  );
}

function When({ draft, set }: Pick<RuleBoxProps, 'draft' | 'set'>) {
  const number = (field: 'nthFrom' | 'nthTo' | 'nthEvery' | 'percent', label: string) => (
    <TextInput
      label={label}
      inputMode="decimal"
      value={draft[field]}
      onChange={(event) => set({ [field]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <TagsInput
        label={text.methods}
        placeholder={draft.methods.length === 0 ? text.methodsAny : ''}
        splitChars={[',', ' ']}
        acceptValueOnBlur
        value={[...draft.methods]}
        onChange={(methods) => set({ methods })}
      />
      <TextInput
        label={text.path}
        description={text.pathAbout}
        value={draft.path}
        onChange={(event) => set({ path: event.currentTarget.value })}
      />
      <TextInput
        label={text.query}
        description={text.queryAbout}
        value={draft.query}
        onChange={(event) => set({ query: event.currentTarget.value })}
      />
      <div className={form.three}>
        {number('nthFrom', text.nthFrom)}
        {number('nthTo', text.nthTo)}
        {number('nthEvery', text.nthEvery)}
      </div>
      <div className={confirm.two}>{number('percent', text.probability)}</div>
    </>
  );
}
