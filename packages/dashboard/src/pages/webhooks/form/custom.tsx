import { Select, Switch, TextInput } from '@mantine/core';
import { CUSTOM } from '../../../data/custom-format.ts';
import { mistakeOf } from '../../../data/mistakes.ts';
import formClasses from '../../../parts/form.module.css';
import { form } from '../../../strings/webhook-form.ts';
import type { Draft } from '../draft.ts';
import classes from './form.module.css';
import type { Part } from './part.ts';

const text = form.custom;

type Custom = NonNullable<Draft['custom']>;
type Signature = NonNullable<Custom['signature']>;

/** A format put together by hand, for a receiver that exists already. */
export function CustomFormat({ draft, set, mistakes }: Part) {
  const custom = draft.custom ?? CUSTOM;
  const change = (part: Partial<Custom>) => set({ custom: { ...custom, ...part } });
  const header = (name: 'idHeader' | 'typeHeader' | 'timestampHeader') => (
    <TextInput
      label={text[name]}
      placeholder={text.notSent}
      value={custom[name] ?? ''}
      error={mistakeOf(mistakes, `custom.${name}`)}
      onChange={(event) => change({ [name]: event.currentTarget.value || null })}
    />
  );
  return (
    <fieldset className={classes.inner}>
      <legend>{text.title}</legend>
      <Select
        label={text.body}
        data={Object.entries(text.bodies).map(([value, label]) => ({ value, label }))}
        value={custom.body}
        onChange={(value) => change({ body: value as Custom['body'] })}
      />
      <div className={formClasses.three}>
        {header('idHeader')}
        {header('typeHeader')}
        {header('timestampHeader')}
      </div>
      <Select
        label={text.timestampFormat}
        data={Object.entries(text.timestampFormats).map(([value, label]) => ({ value, label }))}
        value={custom.timestampFormat}
        onChange={(value) => change({ timestampFormat: value as Custom['timestampFormat'] })}
      />
      <Switch
        label={text.signed}
        checked={custom.signature !== null}
        onChange={(event) =>
          change({ signature: event.currentTarget.checked ? CUSTOM.signature : null })
        }
      />
      {custom.signature && (
        <Signing
          signature={custom.signature}
          mistakes={mistakes}
          change={(part) => change({ signature: { ...(custom.signature as Signature), ...part } })}
        />
      )}
    </fieldset>
  );
}

interface SigningProps extends Pick<Part, 'mistakes'> {
  readonly signature: Signature;
  readonly change: (part: Partial<Signature>) => void;
}

const ALGORITHMS = ['hmac-sha256', 'hmac-sha1', 'hmac-sha512', 'ed25519'];
const ENCODINGS = ['hex', 'base64', 'base64url'];

function Signing({ signature, change, mistakes }: SigningProps) {
  const field = (name: 'header' | 'prefix' | 'content') => (
    <TextInput
      label={text[name]}
      value={signature[name]}
      error={mistakeOf(mistakes, `custom.signature.${name}`)}
      onChange={(event) => change({ [name]: event.currentTarget.value })}
    />
  );
  return (
    <>
      <div className={formClasses.three}>
        {field('header')}
        <Select
          label={text.algorithm}
          data={ALGORITHMS}
          value={signature.algorithm}
          onChange={(value) => change({ algorithm: value as Signature['algorithm'] })}
        />
        <Select
          label={text.encoding}
          data={ENCODINGS}
          value={signature.encoding}
          onChange={(value) => change({ encoding: value as Signature['encoding'] })}
        />
      </div>
      <div className={formClasses.two}>
        {field('prefix')}
        {field('content')}
      </div>
    </>
  );
}
