import { Button } from '@mantine/core';
import { useState } from 'react';
import { useApp } from '../../app/context.tsx';
import { formatBytes } from '../../app/format.ts';
import { useAction } from '../../parts/actions.tsx';
import exchange from '../../parts/exchange/exchange.module.css';
import { HexView } from '../../parts/exchange/hex-view.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { inboxes } from '../../strings/inboxes.ts';
import type { CaptureAddress } from './capture-parts.ts';

const text = inboxes.capture;

/** Fetched when it is wanted; shown as bytes, of which only those in view are drawn. */
export function LargeBody({ address, bytes }: { address: CaptureAddress; bytes: number }) {
  const { apiBlob } = useApp();
  const [shown, setShown] = useState<Uint8Array>();
  const fetchBody = () => apiBlob('getCaptureBody', address);
  const show = useAction({
    run: async () => new Uint8Array(await (await fetchBody()).arrayBuffer()),
    after: setShown,
  });
  const save = useAction({
    run: fetchBody,
    after: (blob) =>
      saveFile({ name: address.capture, type: 'application/octet-stream', content: blob }),
  });
  return (
    <>
      <p className={exchange.note}>{text.large(formatBytes(bytes))}</p>
      <div className={exchange.tools}>
        {!shown && (
          <Button loading={show.isPending} onClick={() => show.mutate(undefined)}>
            {text.show}
          </Button>
        )}
        <Button loading={save.isPending} onClick={() => save.mutate(undefined)}>
          {text.save}
        </Button>
      </div>
      {shown && <HexView bytes={shown} />}
    </>
  );
}
