import {
  type CompiledSchema,
  type JsonObject,
  SchemaCompiler,
  SchemaError,
  type SchemaProblem,
} from '../../core/json-schema.ts';

/** What a `SchemaChecker` asks of who does the work, in order; plain data, because it may cross into a thread. */
export type SchemaAsk =
  | { readonly kind: 'compile'; readonly schema: JsonObject }
  | {
      readonly kind: 'validate';
      /** Names the schema and its version. */
      readonly key: string;
      /** Left out = it was sent before, and not forgotten since. */
      readonly schema: JsonObject | undefined;
      /** JSON. */
      readonly data: Uint8Array;
      /** Schemas that are not kept any longer. */
      readonly forget: readonly string[];
    };

export type SchemaAnswer =
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'checked'; readonly problems: readonly SchemaProblem[] };

/** Answers one ask after the other, in order, until it is ended or ends by itself. */
export interface SchemaRunner {
  post(ask: SchemaAsk): void;
  end(): void;
}
export interface RunnerEvents {
  /** What was posted is being worked on: until then it only waits for a start. */
  ready(): void;
  answered(answer: SchemaAnswer): void;
  /** It died: out of memory, or a bug. Not called after `end`. */
  died(): void;
}
export type StartRunner = (events: RunnerEvents) => SchemaRunner;

const FITS: SchemaAnswer = { kind: 'checked', problems: [] };

/** Does the work: compiles, keeps what it is told to keep, and checks. */
export class SchemaBench {
  readonly #compiler = new SchemaCompiler();
  readonly #kept = new Map<string, CompiledSchema | SchemaError>();

  answer(ask: SchemaAsk): SchemaAnswer {
    try {
      if (ask.kind === 'validate') return this.#validate(ask);
      this.#compiler.compile(ask.schema);
      return FITS;
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof SchemaError) return { kind: 'refused', message };
      // It refers to itself without end, say: that shows only when it is used.
      return { kind: 'refused', message: `it cannot be applied: ${message}` };
    }
  }

  #validate({ key, schema, data, forget }: SchemaAsk & { kind: 'validate' }): SchemaAnswer {
    for (const old of forget) this.#kept.delete(old);
    if (schema) this.#kept.set(key, this.#compile(schema));
    const compiled = this.#kept.get(key);
    if (!compiled) throw new Error('must hold: a schema is sent before it is named');
    if (compiled instanceof SchemaError) throw compiled;
    const value: unknown = JSON.parse(Buffer.from(data).toString());
    return { kind: 'checked', problems: compiled.check(value) };
  }

  #compile(schema: JsonObject): CompiledSchema | SchemaError {
    try {
      return this.#compiler.compile(schema);
    } catch (error) {
      if (error instanceof SchemaError) return error;
      throw error;
    }
  }
}

/** In the calling thread, where nothing can end it: for tests, and for hosts that forbid threads. */
export function startHere({ ready, answered }: RunnerEvents): SchemaRunner {
  const bench = new SchemaBench();
  let ended = false;
  queueMicrotask(ready);
  return {
    post(ask) {
      queueMicrotask(() => {
        if (!ended) answered(bench.answer(ask));
      });
    },
    end() {
      ended = true;
    },
  };
}
