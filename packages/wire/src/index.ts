export type {
  Catalogue,
  EventName,
  EventPattern,
  Match,
  StandardIssue,
  StandardResult,
  StandardSchema,
} from './catalogue-types.ts';
export { defineEvents } from './catalogue-types.ts';
export type { CustomFormat, CustomSignature } from './custom-format.ts';
export { customFormatProblem } from './custom-format.ts';
export type { Delivery, DeliveryFields } from './delivery.ts';
export type { FerriskeyWebhook, FerriskeyWebhookInput } from './dialects/ferriskey-webhook.ts';
export { ferriskeyWebhook } from './dialects/ferriskey-webhook.ts';
export { dialects } from './dialects/index.ts';
export type { EnvelopeLimits, EnvelopePlace, EventDraft } from './event.ts';
export { EnvelopeError, isEventType, parseEvents } from './event.ts';
export type {
  Condition,
  Filter,
  FilterMeter,
  FilterSubject,
  Operators,
  Scalar,
} from './filter.ts';
export { FilterError, looksAtData, matchesFilter, parseFilter } from './filter.ts';
export type { Header } from './header.ts';
export { headerProblem, isReservedHeader } from './header.ts';
export type { HeaderBag, HeadersLike } from './header-bag.ts';
export type {
  Claim,
  ClaimOptions,
  CompleteOptions,
  IdempotencyStore,
} from './idempotency/store.ts';
export type {
  Dialect,
  DialectName,
  DialectTraits,
  EventMeta,
  HeadersInput,
  ParsedEvent,
  ReceivedRequest,
  RenderInput,
  SecretKind,
  WireEndpoint,
  WireEvent,
  WireTenant,
} from './message.ts';
export { DIALECT_NAMES, DialectError, decodeMeta, encodeMeta } from './message.ts';
export { isPattern, matchesPattern } from './pattern.ts';
export type { Query, QuerySubject, QueryValue } from './query.ts';
export {
  asksFor,
  matchesGlob,
  matchesQuery,
  parseQuery,
  QUERY_CHARS_MAX,
  QueryError,
} from './query.ts';
export type {
  DeliveryQueue,
  Handler,
  Outcome,
  QueuedMessage,
  ReceiveInput,
  Receiver,
  ReceiverOptions,
  Reply,
  RequestReceiver,
} from './receiver.ts';
export { createReceiver } from './receiver.ts';
export { parseRfc3339 } from './rfc3339.ts';
export * as schemes from './schemes/index.ts';
export type {
  Challenge,
  Described,
  Scheme,
  SchemeSignInput,
  SignedRequest,
  Verification,
  Verified,
} from './schemes/scheme.ts';
export type { Secret } from './secret.ts';
export { importSecret, makeSecret, standardSecret } from './secret-kind.ts';
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
export type { TraceContext } from './trace.ts';
export type {
  RawBody,
  RequestContext,
  SecretSource,
  Secrets,
  Verifier,
  VerifierOptions,
} from './verifier.ts';
export { createVerifier } from './verifier.ts';
export { VERSION } from './version.ts';
export type { WebhookErrorCode, WebhookErrorOptions } from './webhook-error.ts';
export { WebhookError } from './webhook-error.ts';
