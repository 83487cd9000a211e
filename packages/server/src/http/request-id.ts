/** Shows in the answer, in the problem document and in our log; a caller's own id is kept if it is tame. */
const TAME = /^[A-Za-z0-9._-]{1,64}$/;

/**
 * Makes ids of the form `req_<run><number>`: unique for this process by counting, between processes by
 * 48 random bits. `random` gives that many bytes.
 */
export function createRequestIds(
  random: (count: number) => Uint8Array,
): (given: string | string[] | undefined) => string {
  const run = `req_${Buffer.from(random(6)).toString('hex')}`;
  let count = 0;
  return (given) =>
    typeof given === 'string' && TAME.test(given) ? given : run + (count++).toString(36);
}
