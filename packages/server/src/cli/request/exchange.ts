import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { HttpMessage } from './http-message.ts';

export interface Answer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: readonly { readonly name: string; readonly value: string }[];
  /** Its beginning. */
  readonly body: Buffer;
  readonly bytes: number;
  readonly ms: number;
}

const TIMEOUT_MS = 30_000;
const KEPT_BYTES = 64 * 1024;

/** One request with its headers as they stand; no redirect is followed. Rejects without an answer. */
export function exchange(url: string, message: HttpMessage): Promise<Answer> {
  const startedAt = performance.now();
  const send = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: message.method,
      agent: false,
      setHost: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    for (const { name, value } of message.headers) request.appendHeader(name, value);
    // Deliveries send none.
    request.removeHeader('connection');
    request.on('error', reject);
    request.on('response', (response) => {
      const kept: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        if (bytes < KEPT_BYTES) kept.push(chunk.subarray(0, KEPT_BYTES - bytes));
        bytes += chunk.length;
      });
      response.on('error', reject);
      response.on('end', () => {
        const { statusCode = 0, statusMessage = '', rawHeaders } = response;
        const headers: { name: string; value: string }[] = [];
        for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
          headers.push({ name: String(rawHeaders[i]), value: String(rawHeaders[i + 1]) });
        }
        const ms = Math.round(performance.now() - startedAt);
        const body = Buffer.concat(kept);
        resolve({ status: statusCode, statusText: statusMessage, headers, body, bytes, ms });
      });
    });
    request.end(message.body);
  });
}
