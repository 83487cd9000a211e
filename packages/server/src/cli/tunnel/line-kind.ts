/** By which means packets are carried: upgrades do not get through everywhere. */
export type LineKind = 'websocket' | 'sse' | 'poll';
/** In the order in which they are tried. */
export const LINE_KINDS: readonly LineKind[] = ['websocket', 'sse', 'poll'];
