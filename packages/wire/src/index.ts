export type { CustomFormat, CustomSignature } from './custom-format.ts';
export { dialects } from './dialects/index.ts';
export type { EnvelopeLimits, EnvelopePlace, EventDraft } from './event.ts';
export { EnvelopeError, isEventType, parseEvents } from './event.ts';
export type { Header } from './header.ts';
export { headerProblem, isReservedHeader } from './header.ts';
export type {
  Dialect,
  DialectName,
  EventMeta,
  HeadersInput,
  ParsedEvent,
  ReceivedRequest,
  RenderInput,
  WireEndpoint,
  WireEvent,
  WireTenant,
} from './message.ts';
export { DIALECT_NAMES, DialectError, decodeMeta, encodeMeta } from './message.ts';
export { isPattern, matchesPattern } from './pattern.ts';
export { parseRfc3339 } from './rfc3339.ts';
export type {
  Ed25519Key,
  Ed25519PublicKey,
  HmacKey,
  SignInput,
  SigningKey,
  Tolerance,
  VerifyFailure,
  VerifyInput,
  VerifyKey,
  VerifyResult,
} from './signature.ts';
export {
  generateSecret,
  importKey,
  importVerifyKey,
  publicKey,
  SignatureError,
  sign,
  verify,
} from './signature.ts';
export { VERSION } from './version.ts';
