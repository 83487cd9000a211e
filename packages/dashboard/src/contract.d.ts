declare module 'virtual:contract' {
  const lines: import('@posthorn/api/browser').CallLines;
  export default lines;
  /** Those that this release renders. */
  export const dialects: readonly NonNullable<import('@posthorn/api').Endpoint['dialect']>[];
  /** Those that captures are judged by. */
  export const schemes: readonly import('@posthorn/wire/explain').SignatureScheme[];
}

declare module 'virtual:samples' {
  const samples: readonly {
    readonly dialect: NonNullable<import('@posthorn/api').Endpoint['dialect']>;
    readonly label: string;
    readonly event: import('@posthorn/api').EventInput;
  }[];
  export default samples;
}
