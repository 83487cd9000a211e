import {
  customFormatProblem,
  type DialectName,
  dialects,
  headerProblem,
  importSecret,
  makeSecret,
  type SecretKind,
  SignatureError,
  standardSecret,
} from '@posthorn/wire';
import { dialectOf } from '../../core/inherit.ts';
import type { Endpoint, Tenant, TenantId } from '../../core/model.ts';
import { type ConfigWriter, invalid } from '../../store/config-writer.ts';

/** What must hold of an endpoint for its dialect to be able to send with it. */

type Format = Pick<
  Endpoint,
  'dialect' | 'contentType' | 'headers' | 'actorFields' | 'custom' | 'standardHeaders' | 'secrets'
>;

/** A tenant and its parents, as the store has them now. */
export async function readLine(writer: ConfigWriter, id: TenantId): Promise<readonly Tenant[]> {
  const line: Tenant[] = [];
  for (let at: TenantId | null = id; at !== null; ) {
    const { value }: { value: Tenant } = await writer.read<Tenant>('tenant', at);
    line.push(value);
    at = value.parent;
  }
  return line;
}

/** Throws `invalid_request`. `line`: the endpoint's tenant and its parents. */
export function checkFormat(endpoint: Format, line: readonly Tenant[]): void {
  const dialect = dialectOf(endpoint, line);
  const { traits } = dialects[dialect];
  const { custom, contentType, actorFields } = endpoint;
  checkCustom(dialect, custom);
  checkHeaders(endpoint, dialect);
  if (contentType !== null && !traits.contentType) {
    throw invalid('contentType', `${dialect} always sends its own: leave it null`);
  }
  if (actorFields !== null && !traits.actor(custom)) {
    throw invalid('actorFields', `${dialect} has no place for the actor: leave it null`);
  }
  const kind = traits.secret(custom);
  for (const { value, expiresAt } of endpoint.secrets) {
    try {
      importSecret(kind, value);
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error;
      throw invalid('secret', unfit(dialect, error.message, expiresAt !== null));
    }
    if (endpoint.standardHeaders) checkStandard(kind, value);
  }
}

function unfit(dialect: DialectName, why: string, old: boolean): string {
  return old
    ? `one that signs on after a rotation is none for ${dialect} (${why}): rotate with overlapS 0`
    : `is none for ${dialect} (${why}): give another, or rotate it to a fitting one first`;
}

function checkStandard(kind: SecretKind, secret: string): void {
  try {
    standardSecret(kind, secret);
  } catch (error) {
    if (!(error instanceof SignatureError)) throw error;
    throw invalid('standardHeaders', 'need a secret of 24 to 64 bytes: rotate it first');
  }
}

function checkCustom(dialect: DialectName, custom: Endpoint['custom']): void {
  if (dialect !== 'custom') {
    if (custom === null) return;
    throw invalid('custom', `describes the dialect custom, and this is ${dialect}: set it to null`);
  }
  if (custom === null) throw invalid('custom', 'is needed by the dialect custom');
  const wrong = customFormatProblem(custom);
  if (wrong) throw invalid(`custom.${wrong.field}`, wrong.problem);
}

function checkHeaders({ headers, custom }: Format, dialect: DialectName): void {
  const reserved = dialects[dialect].traits.reserved(custom);
  for (const [index, { name, value }] of headers.entries()) {
    const problem = headerProblem(name, value);
    if (problem !== undefined) throw invalid(`headers.${index}`, problem);
    if (!reserved.includes(name.toLowerCase())) continue;
    throw invalid(`headers.${index}`, `"${name}" is reserved: ${dialect} sets it itself`);
  }
}

/** The secret of a new or rotated key: the given one, or one as the dialect's system makes them. */
export function secretFor(
  endpoint: Pick<Endpoint, 'dialect' | 'custom'>,
  line: readonly Tenant[],
  random: (count: number) => Uint8Array,
): string {
  const { traits } = dialects[dialectOf(endpoint, line)];
  return makeSecret(traits.secret(endpoint.custom), random);
}

/** Whether an old key can sign beside the new one: formats with one signature have no room for two. */
export function overlaps(
  endpoint: Pick<Endpoint, 'dialect' | 'custom' | 'standardHeaders'>,
  line: readonly Tenant[],
): boolean {
  const kind = dialects[dialectOf(endpoint, line)].traits.secret(endpoint.custom);
  return kind === 'key' || endpoint.standardHeaders;
}
