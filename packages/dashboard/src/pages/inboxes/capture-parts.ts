import type { CaptureRow, InboxRow, WholeCapture } from '../../data/types.ts';

export interface CaptureAddress {
  readonly tenant: string;
  readonly inbox: InboxRow['id'];
  readonly capture: CaptureRow['id'];
}

/** As it came: the first line, then the headers in their order. */
export function captureHead({ method, target, headers }: WholeCapture): string {
  const lines = headers.map(({ name, value }) => `${name}: ${value}`);
  return [`${method} ${target} HTTP/1.1`, ...lines].join('\r\n');
}
