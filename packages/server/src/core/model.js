/**
 * The words of the product as types (ARCHITECTURE.md, "Words"). Times are integer milliseconds since
 * the Unix epoch and always arguments; ids are text with a kind prefix; bytes are `Uint8Array`.
 */
export const LANE_PARTS = 16;
/** Longest wait that is still a time; lanes with nothing to do carry it as `nextAt`. */
export const ASLEEP = 9_000_000_000_000_000;
