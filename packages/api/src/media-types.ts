export const PROBLEM_TYPE_PREFIX = 'urn:posthorn:problem:';
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
export const EVENT_STREAM = 'text/event-stream';
