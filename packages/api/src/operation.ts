import type { z } from 'zod';
import type { ErrorCode } from './errors.ts';

/** Who may call: nobody in particular, or a key that has the scope (`admin` has them all). */
export type Scope = 'public' | 'admin' | 'publish' | 'read' | 'write';

export interface ResponseSpec {
  readonly description: string;
  /** Left out = no body. */
  readonly body?: z.ZodType;
  /** Default `application/json`. */
  readonly contentType?: string;
}

/** One line of the contract: routes, OpenAPI and client are made from it. */
export interface Operation {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** With `{name}` for each member of `params`. */
  readonly path: string;
  readonly scope: Scope;
  /** Whoever has a link that shows captures may call it, and nothing else. */
  readonly shared?: true;
  /** An app's bot token may call it; what it is shown is its own grant's alone. */
  readonly bots?: true;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body?: z.ZodType;
  /** Where the common bounds are too narrow. */
  readonly bodyLimits?: { readonly bytesMax: number; readonly valuesMax: number };
  /** By status. The lowest is the answer; problems are listed by `problems`. */
  readonly responses: Readonly<Record<number, ResponseSpec>>;
  /** Codes beside the ones every operation of this kind can answer with. */
  readonly problems?: readonly ErrorCode[];
}

type Success<O extends Operation> = {
  [S in keyof O['responses']]: O['responses'][S] extends { body: z.ZodType }
    ? z.output<O['responses'][S]['body']>
    : undefined;
}[keyof O['responses']];

/** What the handler of an operation is given, validated. */
export type Params<O extends Operation> = z.output<O['params']>;
export type Query<O extends Operation> = z.output<O['query']>;
export type Body<O extends Operation> = O extends { body: z.ZodType }
  ? z.output<O['body']>
  : undefined;
/** What an operation answers with. */
export type Answer<O extends Operation> = Success<O>;

/** An object without members must not become `Record<string, never>`: nothing could be added to it. */
type Members<T extends z.ZodObject> = keyof T['shape'] extends never ? unknown : z.input<T>;

/** What a caller writes: parameters and query in one object, the body as `body`. */
export type Input<O extends Operation> = Members<O['params']> &
  Members<O['query']> &
  (O extends { body: z.ZodType }
    ? undefined extends z.input<O['body']>
      ? { body?: z.input<O['body']> }
      : { body: z.input<O['body']> }
    : unknown);
