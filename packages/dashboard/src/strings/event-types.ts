/** The catalogue of event types. */
export const eventTypes = {
  title: 'Event types',
  search: 'Find by name, group or description',
  create: 'New event type',
  emptyTitle: 'The catalogue is empty',
  emptyText:
    'Event types are optional: events are accepted without them. A catalogue tells people what there is to subscribe to, and can check what is posted.',
  nothingFound: 'No event type fits',
  ungrouped: 'Without a group',
  archived: 'Archived',
  inherited: (tenant: string) => `from ${tenant}`,
  subscribers: (count: number) =>
    count === 0 ? 'nobody' : count === 1 ? '1 webhook' : `${count} webhooks`,
  count: (count: number) => (count === 1 ? '1 type' : `${count} types`),
  menu: {
    preset: 'Load a preset',
    import: 'Import a document',
    exportOpenApi: 'Export as OpenAPI',
    exportJsonSchema: 'Export as JSON Schema',
  },
  detail: {
    schema: 'Schema',
    example: 'Example',
    subscribed: 'Subscribed',
    nobody: 'No webhook listens to it.',
    noSchema: 'None: data may be anything.',
    noExample: 'None.',
    edit: 'Edit',
    override: 'Override here',
    archive: 'Archive',
    unarchive: 'Take back into use',
    delete: 'Delete',
    deleteTitle: 'Delete this event type?',
    deleteText: 'Events of it stay, and more of them are accepted.',
    deleted: 'Deleted.',
    saved: 'Saved.',
    send: 'Send a sample',
    sendAbout: 'Posts the example as an event. Webhooks that listen get it.',
    sent: (count: number) =>
      count === 0 ? 'Posted; nobody listens to it.' : `Posted to ${eventTypes.subscribers(count)}.`,
    activity: 'Activity',
  },
  form: {
    newTitle: 'New event type',
    name: 'Name',
    nameAbout: 'Such as user.created; letters, digits and . _ : / -',
    group: 'Group',
    label: 'Label',
    description: 'Description',
    schema: 'JSON Schema of data',
    schemaAbout: 'Empty: data may be anything.',
    example: 'Example of data',
    exampleAbout: 'Sent by tests and samples.',
    invalidJson: (problem: string) => `This is not JSON: ${problem}`,
  },
  preset: {
    title: 'Load a preset',
    which: 'Preset',
    apply: 'Load',
  },
  import: {
    title: 'Import a document',
    document: 'OpenAPI document with webhooks, or JSON Schema',
    file: 'Read a file',
    apply: 'Import',
  },
  existing: {
    label: 'Types that are there already',
    keep: 'Keep as they are',
    replace: 'Replace',
  },
  merge: {
    preview: 'See what would change',
    result: (m: { added: number; changed: number; kept: number; unchanged: number }) =>
      [
        [m.added, 'added'],
        [m.changed, 'changed'],
        [m.kept, 'kept as they are'],
        [m.unchanged, 'unchanged'],
      ]
        .filter(([count]) => count !== 0)
        .map(([count, word]) => `${count} ${word}`)
        .join(', ') || 'nothing to do',
    would: (text: string) => `Would be: ${text}.`,
    done: (text: string) => `Done: ${text}.`,
  },
};
