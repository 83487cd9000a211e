import { ApiError, type Client, createClient, type Inbox } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from '../output.ts';
import { failure, NO_KEY } from '../send.ts';

/** What all commands about one inbox begin with. */

export interface InboxAccess {
  readonly url: string;
  readonly key: string | undefined;
  readonly tenant: string;
  /** Id or name; undefined = the one that `listen` made for this machine. */
  readonly inbox: string | undefined;
  /** Id of this machine's own, if there is one. */
  readonly own: () => string | undefined;
}

export interface OpenedInbox {
  readonly api: Client;
  /** Parameters of every call. */
  readonly place: { readonly tenant: string; readonly inbox: Inbox['id'] };
  /** Bytes of an answer, where the client gives text. */
  readonly access: { readonly baseUrl: string; readonly key: string };
}

/** Opens the inbox and does something with it; says what is wrong, if anything is. */
export async function withInbox(
  access: InboxAccess,
  output: Output,
  run: (opened: OpenedInbox) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { url, key, tenant } = access;
  if (key === undefined) {
    output.note(NO_KEY);
    return EXIT.usage;
  }
  const wanted = access.inbox ?? access.own();
  if (wanted === undefined) {
    output.note('Which inbox? Pass --inbox with its name or id.');
    return EXIT.usage;
  }
  const api = createClient({ baseUrl: url, key });
  try {
    const inbox = await findInbox(api, tenant, wanted);
    if (inbox === undefined) {
      output.note(`There is no inbox ${wanted} in ${tenant}.`);
      return EXIT.failed;
    }
    const place = { tenant, inbox: inbox as Inbox['id'] };
    return await run({ api, place, access: { baseUrl: url, key } });
  } catch (error) {
    if (error instanceof UsageError) {
      output.note(error.message);
      return EXIT.usage;
    }
    output.note(failure(error, url));
    return EXIT.failed;
  }
}

/** Asked for in a way that cannot work. */
export class UsageError extends Error {}

/** Id of an inbox by its name or id; undefined = there is none. */
export async function findInbox(
  api: Client,
  tenant: string,
  wanted: string,
): Promise<string | undefined> {
  try {
    if (!wanted.startsWith('inb_')) return await findNamed(api, tenant, wanted);
    return (await api.getInbox({ tenant, inbox: wanted as Inbox['id'] })).id;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 404) return undefined;
    // A key for one inbox lists none: who is asked next knows whether this is the one.
    if (error.status === 403) return wanted;
    throw error;
  }
}

async function findNamed(api: Client, tenant: string, name: string): Promise<string | undefined> {
  let cursor: string | undefined;
  do {
    const page = await api.listInboxes({ tenant, limit: 200, ...(cursor ? { cursor } : {}) });
    const named = page.items.find((inbox) => inbox.name === name);
    if (named) return named.id;
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return undefined;
}

export function captureId(text: string): `cap_${string}` {
  if (text.startsWith('cap_')) return text as `cap_${string}`;
  throw new UsageError(`${JSON.stringify(text)} is no capture: ids begin with cap_.`);
}
