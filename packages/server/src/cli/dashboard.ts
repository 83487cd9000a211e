import { createClient } from '@posthorn/api';
import { EXIT, type ExitCode, type Output } from './output.ts';
import { failure, NO_KEY } from './send.ts';

export interface DashboardInput {
  readonly url: string;
  readonly key: string | undefined;
  /** Where to begin. */
  readonly tenant: string;
}

const TIMEOUT_MS = 30_000;

/** Prints a link that signs one person in to the dashboard. 1 = refused or not reached. */
export async function dashboard(
  { url, key, tenant }: DashboardInput,
  output: Output,
): Promise<ExitCode> {
  if (key === undefined) {
    output.note(NO_KEY);
    return EXIT.usage;
  }
  const client = createClient({ baseUrl: url, key });
  try {
    const link = await client.createLoginLink({}, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const address = link.url.replace('/dashboard/#', `/dashboard/${tenant}/#`);
    output.data({ url: address, expiresAt: link.expiresAt }, address);
    output.note(`It signs in once, until ${link.expiresAt}. Treat it like a password.`);
    return EXIT.ok;
  } catch (error) {
    output.note(failure(error, url));
    return EXIT.failed;
  }
}
