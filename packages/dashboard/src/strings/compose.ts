/** An event written by hand. */
export const compose = {
  title: 'Post an event',
  about: 'It goes to every webhook that listens to it, as if a program had posted it.',
  type: 'Event type',
  data: 'Data',
  more: 'Subject, actor, context and the rest',
  subject: 'Subject',
  actor: 'Actor',
  context: 'Context',
  orderingKey: 'Ordering key',
  channels: 'Channels',
  send: 'Post',
  sent: (count: number) =>
    count === 0
      ? 'Posted. No webhook listens to it.'
      : count === 1
        ? 'Posted to 1 webhook.'
        : `Posted to ${count} webhooks.`,
  goesTo: (names: string) => `Goes to: ${names}`,
  nobody: 'No webhook listens to this type.',
  invalid: (problem: string) => `This is not JSON: ${problem}`,
};
