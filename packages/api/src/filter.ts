import type * as wire from '@posthorn/wire';
import { z } from 'zod';

const AnyObject = z.record(z.string(), z.unknown()).meta({
  id: 'Filter',
  description:
    'Conditions by path, all of which must hold: `{"data.total": {"gte": 100}, "actor.role": ' +
    '"admin"}`. Paths are type, subject, or lead into actor, context and data. A condition is a ' +
    'value, or eq, ne, in, gt, gte, lt, lte, exists, prefix, suffix, contains, all, any, not. ' +
    '`{"all": […]}`, `{"any": […]}` and `{"not": …}` combine filters. At most 100 conditions.',
});

/** Judged by `parseFilter` of `@posthorn/wire`, which names the place of what is wrong. */
export const Filter = AnyObject as unknown as z.ZodType<wire.Filter, wire.Filter>;
