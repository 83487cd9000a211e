/** Stored events owed to webhooks again. */
export const replays = {
  title: 'Replay events',
  about: 'Stored events are sent to webhooks again, in the background; live events keep flowing.',
  webhooks: 'To these webhooks',
  what: 'What',
  whats: {
    failed: 'What failed: given up, expired or skipped',
    missing: 'What they never got, though they listen to it now',
    all: 'Everything they listen to, also what succeeded',
  },
  types: 'Event types',
  typesAbout: 'Empty: all.',
  from: 'From',
  to: 'To',
  newId: 'Under new ids',
  newIdAbout: 'Receivers that drop repeats take them again.',
  count: 'Count first',
  start: 'Start',
  counted: (count: string, atLeast: boolean) =>
    `${atLeast ? 'At least ' : ''}${count} ${count === '1' ? 'delivery' : 'deliveries'} would be owed.`,
  started: 'The replay has begun.',
  strip: 'Replays',
  running: (done: string, total: string) => `${done} of ${total}`,
  states: { running: 'Replaying', done: 'Replay done', cancelled: 'Replay cancelled' },
  owed: (count: string) => `${count} owed again`,
  cancel: 'Cancel',
  cancelled: 'Cancelled. What was owed so far stays owed.',
};
