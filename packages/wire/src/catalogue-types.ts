/**
 * Event types with their payloads, for the compiler and at run time. Schemas are anything that speaks
 * Standard Schema (https://standardschema.dev): zod, valibot, arktype, or `jsonSchema()` of ours.
 */

/** The interface of Standard Schema 1, as its specification asks to declare it. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** `M` maps event types to payloads: `{ 'user.created': { id: string } }`. */
export interface Catalogue<M extends object = Record<string, unknown>> {
  readonly schemas: { readonly [K in keyof M]?: StandardSchema<unknown, M[K]> };
}

type PayloadOf<S> = S extends StandardSchema<infer _Input, infer Output> ? Output : never;

/**
 * A catalogue of schemas; payload types follow from them.
 *
 * @example const events = defineEvents({ 'user.created': z.object({ id: z.string() }) })
 */
export function defineEvents<const S extends Readonly<Record<string, StandardSchema>>>(
  schemas: S,
): Catalogue<{ [K in keyof S]: PayloadOf<S[K]> }> {
  return { schemas: schemas as never };
}

export type EventName<M extends object> = keyof M & string;

/** A type of the catalogue, or a pattern with `*` for any run of characters: `user.*`, `*`. */
export type EventPattern<M extends object> = EventName<M> | `${string}*` | `${string}*${string}`;

/** The types of the catalogue that a pattern stands for. */
export type Match<M extends object, P extends string> =
  string extends EventName<M>
    ? P extends `${string}*${string}`
      ? string
      : P
    : P extends EventName<M>
      ? P
      : P extends `${infer Head}*${infer Tail}`
        ? Tail extends '' | '*'
          ? Extract<EventName<M>, `${Head}${string}`>
          : Extract<EventName<M>, `${Head}${string}${Tail}`>
        : never;
