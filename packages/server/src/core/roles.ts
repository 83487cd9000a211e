/**
 * What a process does: answer the API, send, keep house, take requests for inboxes. All of it unless
 * it is told otherwise; a role is a loop in the same program, not a service.
 */
export const ROLES = ['api', 'deliver', 'maintain', 'inbox'] as const;
export type Role = (typeof ROLES)[number];

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}
