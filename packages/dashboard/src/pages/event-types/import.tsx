import { useState } from 'react';
import { useApi, useTenant } from '../../app/context.tsx';
import { JsonEditor, jsonProblem } from '../../parts/editor/json-editor.tsx';
import { eventTypes } from '../../strings/event-types.ts';
import { type Existing, Merge } from './merge.tsx';

const text = eventTypes.import;

export function ImportDocument({ onClose }: { onClose: () => void }) {
  const api = useApi();
  const tenant = useTenant();
  const [document, setDocument] = useState('');
  const [existing, setExisting] = useState<Existing>('replace');
  const problem = document.trim() === '' ? undefined : jsonProblem(document);
  const read = async (file: File | undefined) => {
    if (file) setDocument(await file.text());
  };
  return (
    <Merge
      title={text.title}
      apply={text.apply}
      ready={document.trim() !== '' && problem === undefined}
      existing={existing}
      onExisting={setExisting}
      run={(dryRun) =>
        api.importCatalogue({
          tenant,
          body: { document: JSON.parse(document) as Record<string, unknown>, existing, dryRun },
        })
      }
      onClose={onClose}
    >
      <input
        type="file"
        accept=".json,application/json"
        aria-label={text.file}
        onChange={(event) => void read(event.currentTarget.files?.[0])}
      />
      <JsonEditor
        label={text.document}
        error={problem && eventTypes.form.invalidJson(problem)}
        value={document}
        onChange={setDocument}
      />
    </Merge>
  );
}
