import type * as api from '@posthorn/api';
import { MASK } from '@posthorn/api';
import { AppError } from '../../core/errors.ts';
import type { Header } from '../../core/model.ts';
import { decodeHead } from '../../inbox/head.ts';
import { pairsOf, VERIFIED_BYTES_MAX } from '../../inbox/recognition.ts';
import type { ReplayEdit, ReplayOrder } from '../../inbox/replay.ts';
import type { StoredCapture } from '../../store/inbox.ts';
import type { Handlers } from '../handlers.ts';
import type { HttpDeps } from '../ports.ts';
import { exchangeToApi } from './capture-view.ts';
import { findCapture } from './captures.ts';
import { read } from './inboxes.ts';

export function captureReplayRoutes(deps: HttpDeps): Pick<Handlers, 'replayCapture'> {
  return {
    async replayCapture({ params, body }) {
      const { value } = await read(deps, params);
      const wanted = { capture: params.capture, bodyBytesMax: VERIFIED_BYTES_MAX };
      const capture = await findCapture(deps, value, wanted);
      const done = await deps.inbox.replays.replay(value, capture, orderOf(body, capture));
      return { exchanges: done.map((exchange) => exchangeToApi(exchange, false)) };
    },
  };
}

function orderOf(
  { to, edit, ...rest }: api.Body<api.Operations['replayCapture']>,
  capture: StoredCapture,
): ReplayOrder {
  const where: ReplayOrder['to'] =
    'url' in to
      ? { kind: 'url', url: urlOf(to.url) }
      : { kind: 'listener', name: to.listener ?? undefined };
  return { ...rest, to: where, edit: editOf(edit, capture) };
}

function urlOf(text: string): URL {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return url;
  throw new AppError('invalid_request', 'to.url: must hold no user name and no password.');
}

function editOf(
  { method, path, headers, body }: api.Body<api.Operations['replayCapture']>['edit'],
  capture: StoredCapture,
): ReplayEdit {
  return {
    method,
    path,
    headers: headers && unmasked(headers, decodeHead(capture.head)),
    body: body && Buffer.from(body.text, body.encoding),
  };
}

/** Who edits what was masked for reading means the value that it hides. */
function unmasked(headers: readonly Header[], captured: readonly string[]): Header[] {
  const left = pairsOf(captured);
  return headers.map(({ name, value }) => {
    const at = left.findIndex(([known]) => known.toLowerCase() === name.toLowerCase());
    const [found] = at < 0 ? [] : left.splice(at, 1);
    return { name, value: value === MASK && found ? found[1] : value };
  });
}
