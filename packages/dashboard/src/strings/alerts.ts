/** Operational events: what is told of webhooks themselves. */
const types = [
  ['endpoint.failing', 'A webhook had no success for 24 hours, and for 72.'],
  ['endpoint.disabled', 'It answered 410, or had no success for five days; deliveries wait.'],
  ['delivery.failed', 'A delivery was given up after its last attempt.'],
  ['delivery.recovered', 'One that had been given up was sent again, and arrived.'],
  ['endpoint.created', 'A webhook was added.'],
  ['endpoint.updated', 'It was changed, paused, resumed, or its secret replaced.'],
  ['endpoint.deleted', 'It was deleted.'],
] as const;

export const alerts = {
  title: 'Alerts',
  about:
    'Webhooks hear of other webhooks that fail or change: as events, signed and retried like any other.',
  create: 'New alert',
  who: 'Who hears of what',
  type: 'Event type',
  when: 'When',
  hears: 'Goes to',
  nobody: 'nobody',
  off: 'Operational events are off for this tenant: nothing is told until they are on again, in its settings.',
  latest: 'Told lately',
  none: 'Nothing. What nobody listens to is not kept.',
  at: 'When',
  webhook: 'Webhook',
  types,
  /** What a new alert listens to, until it is changed. */
  urgent: types.slice(0, 3).map(([type]) => type),
};
