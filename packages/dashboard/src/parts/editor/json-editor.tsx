import { Input } from '@mantine/core';
import { useId } from '@mantine/hooks';
import { lazy, Suspense } from 'react';
import classes from './editor.module.css';

const CodeMirror = lazy(() =>
  import('./code-mirror.tsx').then((module) => ({ default: module.CodeMirror })),
);

export interface JsonEditorProps {
  readonly label: string;
  readonly description?: string;
  readonly error?: string | undefined;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly minLines?: number;
}

/** JSON to be written by hand. The editor is a file of its own, loaded when it is first shown. */
export function JsonEditor(props: JsonEditorProps) {
  const { label, description, error, value, onChange, minLines = 6 } = props;
  const id = useId();
  return (
    <Input.Wrapper
      label={label}
      description={description}
      error={error}
      labelElement="div"
      labelProps={{ id }}
    >
      <div
        className={classes.frame}
        data-error={error !== undefined}
        style={{ minHeight: minLines * 20 + 18 }}
      >
        <Suspense>
          <CodeMirror labelledBy={id} value={value} onChange={onChange} />
        </Suspense>
      </div>
    </Input.Wrapper>
  );
}

/** What is wrong with a text as JSON, in the words of the browser; undefined = nothing. */
export function jsonProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
