/** `@posthorn/api/browser`: the client without zod, for pages that bring the contract as lines. */
export {
  ApiError,
  type BlobCall,
  type CallLine,
  type CallLines,
  type CallOptions,
  type Client,
  type ClientOptions,
  createBlobCall,
  createClientOf,
  createTextCall,
  type TextCall,
  target,
} from './call.ts';
export type { FollowOptions, LiveEvent } from './follow.ts';
