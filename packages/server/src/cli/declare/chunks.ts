import { ApiError } from '@posthorn/api';
import type { Manifest } from './manifest.ts';
import { FileError, type Path, type Problem } from './yaml-file.ts';

/** Lists of a file as requests that the server takes, and its refusals as places in the file. */

/** So small that no request has more values than the server takes. */
const LIMITS = {
  eventTypes: { items: 500, bytes: 350_000 },
  endpoints: { items: 100, bytes: 150_000 },
} as const;

type Chunk<T> = [T, ...T[]];

export function inChunks<T extends { readonly value: object }>(
  list: keyof typeof LIMITS,
  listed: readonly T[],
): Chunk<T>[] {
  const { items, bytes } = LIMITS[list];
  const chunks: Chunk<T>[] = [];
  let room = 0;
  for (const one of listed) {
    const size = Buffer.byteLength(JSON.stringify(one.value));
    const last = chunks.at(-1);
    if (last === undefined || last.length === items || size > room) {
      chunks.push([one]);
      room = bytes - size;
    } else {
      last.push(one);
      room -= size;
    }
  }
  return chunks;
}

/** What a request was made of. */
export interface Asked {
  readonly manifest: Pick<Manifest, 'sentence'>;
  /** The name of the list in the request; undefined = it was one thing. */
  readonly list: keyof typeof LIMITS | undefined;
  readonly listed: readonly { readonly path: Path; readonly value: { readonly name: string } }[];
}

/** Rejects with `FileError` when the server refuses something that stands in the file. */
export async function asked<T>(of: Asked, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    const problems = error instanceof ApiError ? problemsOf(error, of) : [];
    if (problems.length === 0) throw error;
    throw new FileError(problems.map((problem) => of.manifest.sentence(problem)));
  }
}

function problemsOf(error: ApiError, of: Asked): Problem[] {
  const { errors, field, detail } = error.problem ?? {};
  if (errors) {
    return errors.flatMap(({ path, message }) => {
      const found = placeOf(path, of);
      return found ? [{ path: found, message }] : [];
    });
  }
  const found = field === undefined ? undefined : placeOf(field, of);
  if (!found || field === undefined || detail === undefined) return [];
  // The detail begins with the path, which the place says better.
  const message = detail.startsWith(`${field}: `) ? detail.slice(field.length + 2) : detail;
  return [{ path: found, message: message.replace(/^endpoints\.\d+\./, '') }];
}

/** `endpoints.3.url`; `user.created.schema` of an event type; `defaults.dialect` of a tenant. */
function placeOf(path: string, { list, listed }: Asked): Path | undefined {
  const members = path.split('.');
  if (list === undefined) return [...(listed[0]?.path ?? []), ...members];
  const [head, index, ...rest] = members;
  const numbered = head === list ? listed[Number(index)] : undefined;
  if (numbered) return [...numbered.path, ...rest];
  const named = listed.filter(({ value }) => path.startsWith(`${value.name}.`));
  const [longest] = named.sort((a, b) => b.value.name.length - a.value.name.length);
  if (!longest) return undefined;
  return [...longest.path, ...path.slice(longest.value.name.length + 1).split('.')];
}
