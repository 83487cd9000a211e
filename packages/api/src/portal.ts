import { z } from 'zod';

/** The portal of a tenant: who may embed it, and how it looks. */

/** An origin, or all subdomains of one: what `frame-ancestors` may hold, and nothing it could be split by. */
const ANCESTOR = /^https?:\/\/(?:\*\.)?[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?(?::\d{1,5})?$/;

const theme = {
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as #4f46e5')
    .nullable()
    .meta({ description: 'Of what can be acted on; null = ours.' }),
  scheme: z.enum(['auto', 'light', 'dark']),
  radius: z.int().min(0).max(16).nullable().meta({
    description: 'Of corners, in pixels; null = ours.',
  }),
};
const portal = {
  title: z.string().max(60).meta({ description: 'Shown in place of our name.' }),
  frameAncestors: z
    .array(z.string().regex(ANCESTOR, 'must be an origin such as https://app.example.com'))
    .max(16)
    .meta({ description: 'Origins that may embed the portal in a frame; empty = none.' }),
};

export const Theme = z.strictObject(theme).meta({ id: 'Theme' });
export type Theme = z.infer<typeof Theme>;
export const ThemeInput = z
  .strictObject({
    color: theme.color.default(null),
    scheme: theme.scheme.default('auto'),
    radius: theme.radius.default(null),
  })
  .meta({ id: 'ThemeInput' });

export const Portal = z.strictObject({ ...portal, theme: Theme }).meta({ id: 'Portal' });
export type Portal = z.infer<typeof Portal>;
export const PortalInput = z
  .strictObject({
    title: portal.title.default(''),
    frameAncestors: portal.frameAncestors.default([]),
    theme: ThemeInput.prefault({}),
  })
  .meta({ id: 'PortalInput' });
