import { useMutation } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useApp } from '../../app/context.tsx';
import { Page } from '../../parts/page.tsx';
import { authorize as text } from '../../strings/authorize.ts';

/**
 * Where an app's link leads who is to agree to something and is signed in nowhere: an operator goes on to
 * the consent page, as an admin of the tenant that the app asks for.
 */
export function Authorize() {
  const { api, who } = useApp();
  const { mutate, error } = useMutation({
    async mutationFn(returnTo: string) {
      const tenant = await tenantOf(new URL(returnTo).searchParams.get('community_id'));
      const user = { id: who.id, name: text.operator };
      const { url } = await api.createSignIn({ tenant, body: { user, role: 'admin', returnTo } });
      location.replace(url);
    },
  });

  /** Apps name a tenant by its id or its alias. */
  async function tenantOf(community: string | null): Promise<string> {
    if (community === null) return who.tenant ?? 'default';
    let cursor: string | undefined;
    do {
      const page = await api.listTenants({
        limit: 200,
        ...(cursor === undefined ? {} : { cursor }),
      });
      const found = page.items.find(({ id, alias }) => id === community || alias === community);
      if (found) return found.id;
      cursor = page.next ?? undefined;
    } while (cursor !== undefined);
    throw new Error(text.unknown(community));
  }

  useEffect(() => {
    const returnTo = new URLSearchParams(location.search).get('return_to');
    mutate(returnTo ?? '');
  }, [mutate]);

  return <Page title={text.title}>{<p>{error ? text.failed(error.message) : text.going}</p>}</Page>;
}
