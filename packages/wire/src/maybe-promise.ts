/**
 * Verification is written once for crypto that answers at once (node:crypto) and crypto that only
 * promises (WebCrypto): a step takes either and stays synchronous as long as its input is.
 */
export type MaybePromise<T> = T | Promise<T>;

/** By its method: a promise may come from another realm, or be a library's own. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Promise<T>).then === 'function'
  );
}

/** `next` of the value: now if it is there, otherwise when it comes. */
export function whenReady<T, R>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<R>,
): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}

/** The index of the first item that passes, tried one after another; -1 = none. */
export function firstIndex<T>(
  items: readonly T[],
  test: (item: T) => MaybePromise<boolean>,
  from = 0,
): MaybePromise<number> {
  for (let index = from; index < items.length; index += 1) {
    const passed = test(items[index] as T);
    if (isPromise(passed)) {
      return passed.then((good) => (good ? index : firstIndex(items, test, index + 1)));
    }
    if (passed) return index;
  }
  return -1;
}
