import type { Readable } from 'node:stream';
import type {
  Answer,
  Body,
  Operation,
  OperationId,
  Operations,
  Params,
  Query,
} from '@posthorn/api';
import type { Principal } from './auth.ts';
import type { RawExchange } from './respond.ts';

/** The operation that the raw handler serves (ingest.ts); all others are routes of the framework. */
export const RAW_OPERATION = 'publishEvents';
export type RoutedId = Exclude<OperationId, typeof RAW_OPERATION>;

/** A request that was authenticated, authorised and validated. */
export interface Context<O extends Operation> {
  readonly params: Params<O>;
  readonly query: Query<O>;
  readonly body: Body<O>;
  readonly principal: O['scope'] extends 'public' ? undefined : Principal;
}

/** An answer that is not simply the operation's JSON with its first status. */
export class Reply {
  readonly status: number;
  readonly body: string | Uint8Array | Readable;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, body: Reply['body'], headers: Reply['headers'] = {}) {
    this.status = status;
    this.body = body;
    this.headers = headers;
  }
}

export interface Stream {
  readonly exchange: RawExchange;
  /** Those of every answer. */
  readonly headers: Record<string, string>;
  /** false = who asked may not have the answer any more. */
  readonly allowed: () => boolean;
}

/** An answer that goes on: `start` writes it, head and all. */
export class Streaming {
  readonly start: (stream: Stream) => void;

  constructor(start: (stream: Stream) => void) {
    this.start = start;
  }
}

type Given<O extends Operation> = Answer<O> | Reply | Streaming;
export type Handler<O extends Operation> = (context: Context<O>) => Given<O> | Promise<Given<O>>;

export type Handlers = { readonly [Id in RoutedId]: Handler<Operations[Id]> };
