/**
 * One HTTP exchange as a value. A refused or broken exchange is an outcome, never an exception:
 * the sender resolves with one of these whatever the network does.
 */
/** Why no complete, valid response came. Codes are permanent: the log and the API show them. */
export const FAULTS = [
  'forbidden', // the address, port or scheme is not allowed; says no more than that (A17)
  'dns_not_found',
  'dns_timeout',
  'dns_failed',
  'connect_refused',
  'connect_unreachable',
  'connect_timeout',
  'tls', // certificate or handshake; `detail` names the reason
  'timeout', // the attempt's whole budget ran out
  'reset', // the peer reset the connection
  'eof', // the peer closed before the response was complete
  'stale_connection', // a kept connection was closed before any byte of the response: tried again at once
  'invalid_response', // not HTTP/1.1
  'header_too_large',
  'aborted', // this process was told to stop
  'render_failed', // no request could be made of the event
  'quarantined', // three processes died while sending it
  'expired', // held longer than the retention time
  'skipped', // the lane was full
  'internal',
];
