import { z } from 'zod';
import { API_PREFIX, None, Timestamp } from './common.ts';
import type { Operation } from './operation.ts';

export const Node = z
  .strictObject({
    id: z.int(),
    name: z.string().meta({ description: 'Host name of its machine.' }),
    version: z.string(),
    roles: z.array(z.string()),
    healthy: z
      .boolean()
      .meta({ description: 'Its lease holds. One that is not leaves the list within seconds.' }),
    joinedAt: Timestamp,
    lastHeartbeatAt: Timestamp,
    lanes: z.int().meta({ description: 'Lanes it sends for now.' }),
    backlog: z.int().meta({
      description: 'Deliveries due in these lanes that have not ended; counted up to 10,000.',
    }),
    clockOffsetMs: z
      .int()
      .meta({ description: 'How far its clock is behind the database’s, which all nodes follow.' }),
  })
  .meta({ id: 'Node' });
export type Node = z.infer<typeof Node>;

export const nodeOperations = {
  listNodes: {
    method: 'GET',
    path: `${API_PREFIX}/nodes`,
    scope: 'admin',
    tag: 'System',
    summary: 'The processes that share this store, and how they are',
    params: None,
    query: None,
    responses: {
      200: {
        description: 'In the order they joined.',
        body: z.strictObject({ items: z.array(Node) }),
      },
    },
  },
} as const satisfies Record<string, Operation>;
