import type { LiveSink } from '../../inbox/live-answer.ts';
import { allowedHeaders } from '../../inbox/reply-headers.ts';
import type { RawExchange } from '../respond.ts';
import type { Answering } from './answer.ts';

export interface SenderSinkOptions {
  readonly exchange: RawExchange;
  readonly answering: Answering;
  readonly captureId: string;
  readonly fallback: () => void;
}

/** A sender who is answered by a listener's local server, as it answers. */
export class SenderSink implements LiveSink {
  readonly #options: SenderSinkOptions;

  constructor(options: SenderSinkOptions) {
    this.#options = options;
  }

  head(status: number, headers: readonly string[]): void {
    const { exchange, answering, captureId } = this.#options;
    const flat = answering.headers(allowedHeaders(headers), captureId);
    const length = contentLength(headers);
    if (length !== undefined) flat.push('Content-Length', length);
    // What is no final status of HTTP cannot be given on.
    exchange.res.writeHead(status >= 200 && status <= 599 ? status : 502, flat);
  }

  write(bytes: Uint8Array): Promise<void> | undefined {
    const { res } = this.#options.exchange;
    if (bytes.length === 0 || res.destroyed || res.write(bytes)) return undefined;
    return new Promise((resolve) => {
      const taken = () => {
        res.removeListener('drain', taken);
        res.removeListener('close', taken);
        resolve();
      };
      res.on('drain', taken);
      res.on('close', taken);
    });
  }

  end(): void {
    this.#options.exchange.res.end();
  }

  abort(): void {
    this.#options.exchange.res.destroy();
  }

  fallback(): void {
    this.#options.fallback();
  }
}

function contentLength(headers: readonly string[]): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name, value] = [headers[i] as string, headers[i + 1] as string];
    if (name.toLowerCase() === 'content-length' && /^\d{1,15}$/.test(value)) return value;
  }
  return undefined;
}
