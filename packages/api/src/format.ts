import { DIALECT_NAMES } from '@posthorn/wire';
import { z } from 'zod';

/** What shapes the request an endpoint receives. */

const MEDIA_TYPE = /^[\w.+-]+\/[\w.+-]+(?: *; *[\w-]+=(?:[\w.+-]+|"[\w .+/-]*"))*$/;

export const Alias = z
  .string()
  .regex(/^[\x21-\x7e]{1,64}$/, 'must be 1 to 64 printable ASCII characters without spaces')
  .meta({ description: 'The id that foreign formats show for it; null = one made of its id.' });

const HeaderName = z.string().min(1).max(128);

const signature = {
  header: HeaderName,
  algorithm: z.enum(['hmac-sha256', 'hmac-sha1', 'hmac-sha512', 'ed25519']),
  encoding: z.enum(['hex', 'base64', 'base64url']),
  prefix: z.string().max(64).meta({
    description: 'Stands before the signature; may hold {id} and {timestamp}: `sha256=`.',
  }),
  content: z.string().min(1).max(256).meta({
    description: 'What is signed: {body} once, and {id}, {timestamp} and {type} as wanted.',
  }),
};
const CustomSignature = z.strictObject(signature).meta({ id: 'CustomSignature' });
const CustomSignatureInput = z
  .strictObject({
    ...signature,
    prefix: signature.prefix.default(''),
    content: signature.content.default('{body}'),
  })
  .meta({ id: 'CustomSignatureInput' });

const customFormat = {
  body: z.enum(['envelope', 'data']).meta({
    description: 'envelope: type, timestamp and data. data: the bytes of data alone.',
  }),
  idHeader: HeaderName.nullable(),
  typeHeader: HeaderName.nullable(),
  timestampHeader: HeaderName.nullable(),
  timestampFormat: z.enum(['seconds', 'milliseconds', 'rfc3339']),
  signature: CustomSignature.nullable(),
};
const CustomFormat = z.strictObject(customFormat).meta({
  id: 'CustomFormat',
  description: 'The format of the dialect `custom`.',
});
const CustomFormatInput = z
  .strictObject({
    body: customFormat.body.default('envelope'),
    idHeader: customFormat.idHeader.default(null),
    typeHeader: customFormat.typeHeader.default(null),
    timestampHeader: customFormat.timestampHeader.default(null),
    timestampFormat: customFormat.timestampFormat.default('seconds'),
    signature: CustomSignatureInput.nullable().default(null),
  })
  .meta({ id: 'CustomFormatInput', description: 'The format of the dialect `custom`.' });

const FieldNames = z.array(z.string().min(1).max(128)).max(100);

export const Dialect = z.enum(DIALECT_NAMES).meta({ id: 'Dialect' });

/** Settings of an endpoint. */
export const format = {
  dialect: Dialect.nullable().meta({
    description: 'null = inherited from the tenant, at last `standard`.',
  }),
  alias: Alias.nullable(),
  contentType: z
    .string()
    .max(200)
    .regex(MEDIA_TYPE, 'is not a media type')
    .nullable()
    .meta({
      description:
        "null = the dialect's own. `application/x-www-form-urlencoded` makes `standard`, `raw` and " +
        '`custom` send a form; other dialects only say so, as the systems they follow do.',
    }),
  fields: FieldNames.meta({ description: 'Members of data that are sent; empty = all.' }),
  actorFields: FieldNames.nullable().meta({
    description: 'Members of actor that are sent with it; null = none, empty = all.',
  }),
  custom: CustomFormat.nullable(),
  standardHeaders: z.boolean().meta({
    description: 'Adds webhook-id, webhook-timestamp and webhook-signature to any dialect.',
  }),
};

/** The same as they are given. */
export const formatInput = { ...format, custom: CustomFormatInput.nullable() };
