export type {
  ConformanceCase,
  ConformanceOptions,
  ConformanceSuite,
  Mount,
  Mounted,
  Runner,
  ServerOptions,
} from './conformance.ts';
export { conformance } from './conformance.ts';
export type { SendResult, SignedParts, Target } from './event-builder.ts';
export { EventBuilder } from './event-builder.ts';
export type { CapturedRequest, TestKit, TestKitOptions } from './kit.ts';
export { createTestKit } from './kit.ts';
