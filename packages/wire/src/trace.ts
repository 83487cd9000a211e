/** The values of `traceparent` and `tracestate` (https://www.w3.org/TR/trace-context/). */
export interface TraceContext {
  readonly parent: string;
  readonly state?: string | undefined;
}
