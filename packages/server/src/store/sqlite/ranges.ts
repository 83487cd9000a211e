/** Keys from `least` up to, and without, `before`. */
export interface Range {
  readonly least: number;
  readonly before: number;
}

/** Where rows that fit can be: newest first, without overlaps. */
export interface Ranges {
  readonly ranges: readonly Range[];
  /** More of them lie before this key; undefined = that is all. */
  readonly next: number | undefined;
}

export function everywhere(before: number | undefined): Ranges {
  const end = before ?? Number.MAX_SAFE_INTEGER;
  return { ranges: [{ least: Number.MIN_SAFE_INTEGER, before: end }], next: undefined };
}
