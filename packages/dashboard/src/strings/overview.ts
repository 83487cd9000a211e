/** The overview, and what an empty installation says. */
export const overview = {
  title: 'Overview',
  first: {
    title: 'Three commands to the first webhook',
    text: 'This page changes by itself when the first event arrives.',
    receiver: '1. A receiver. Any address will do; this one prints what it gets:',
    endpoint: '2. A webhook that points there:',
    event: '3. An event:',
    orForm: 'Or make the webhook here',
    key: 'Put an API key in KEY first.',
    waiting: 'Waiting for the first event …',
  },
  failing: 'Failing webhooks',
  noFailing: 'None. All webhooks get what they are owed.',
  latestFailures: 'Latest failures',
};
