/** On the way to the consent page. */
export const authorize = {
  title: 'An app asks for access',
  going: 'Taking you to the page where you can allow it…',
  operator: 'Operator',
  unknown: (community: string) => `there is no tenant ${community}`,
  failed: (why: string) => `That did not work: ${why}. Go back to the app and begin again.`,
};
