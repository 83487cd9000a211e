/** Where this page was served: what its addresses begin with, and whose page it is. */
export interface Place {
  /** Path in front of `/api` and `/dashboard`: '' unless a proxy serves us below one. */
  readonly base: string;
  /** The tenant of a portal; undefined = the operators' dashboard. */
  readonly portal: string | undefined;
  /** Inside somebody else's page. */
  readonly embedded: boolean;
  /** Of this answer; what is not marked with it does not run. */
  readonly nonce: string;
}

export function readPlace(): Place {
  const meta = (name: string) => document.querySelector<HTMLMetaElement>(`meta[${name}]`);
  const given = meta('name=posthorn-base')?.content ?? '';
  // The development server leaves the placeholder as it is.
  const base = given === '__BASE__' ? '' : given;
  const portal = /^\/portal\/([^/]+)/.exec(location.pathname.slice(base.length))?.[1];
  return {
    base,
    portal: portal === undefined ? undefined : decodeURIComponent(portal),
    embedded: window.top !== window,
    nonce: meta('property=csp-nonce')?.nonce ?? '',
  };
}
