/** What carries packets between a client and us; who uses it does not know which it is. */
export interface Carrier {
  /** After `close` it does nothing. */
  send(packet: Uint8Array): void;
  /** Bytes that were sent and could not be passed on yet. */
  readonly buffered: number;
  /** What was sent before still goes out. */
  close(): void;
  /** Called at most once each; set before anything can come. */
  onPacket: (packet: Uint8Array) => void;
  onClose: () => void;
  /** Called when `buffered` has become small again. */
  onDrain: () => void;
}

/** Above it nothing more is sent until `onDrain`. */
export const BUFFERED_MAX = 1_048_576;
