export interface BannerInput {
  readonly url: string;
  /** The data directory. */
  readonly data: string;
  /** `text` only if it may be shown here. */
  readonly adminKey: { readonly text: string | undefined; readonly file: string | undefined };
  /** Signs in once. */
  readonly dashboard: string | undefined;
  readonly mode: 'dev' | 'serve';
  readonly colors: boolean;
}

/** What a person sees after the start: where, which key, and the dashboard, and in dev two commands to copy. */
export function banner({ url, data, adminKey, dashboard, mode, colors }: BannerInput): string {
  const bold = (text: string) => (colors ? `\u001b[1m${text}\u001b[0m` : text);
  const { text, file } = adminKey;
  const lines = ['', `  ${bold('Posthorn')} is ready`, '', `  URL        ${url}`];
  if (dashboard !== undefined) lines.push(`  Dashboard  ${dashboard}`);
  if (text !== undefined) lines.push(`  Admin key  ${text}`);
  if (file !== undefined) lines.push(`  Key file   ${file}`);
  lines.push(`  Data       ${data}`, '');
  if (mode === 'dev') lines.push(...firstSteps(url, keyInShell(adminKey)));
  return `${lines.join('\n')}\n`;
}

function keyInShell({ text, file }: BannerInput['adminKey']): string {
  if (text !== undefined) return text;
  return file === undefined ? '$POSTHORN_ADMIN_KEY' : `$(cat '${file}')`;
}

function firstSteps(url: string, key: string): string[] {
  const post = (path: string, body: string) => [
    `  curl ${url}/api/v1/tenants/default/${path} \\`,
    `    -H "Authorization: Bearer ${key}" -H 'Content-Type: application/json' \\`,
    `    -d '${body}'`,
    '',
  ];
  return [
    '  Add an endpoint (the answer holds its signing secret):',
    '',
    ...post('endpoints', '{"url":"http://127.0.0.1:4500/hooks"}'),
    '  Post an event:',
    '',
    ...post('events', '{"type":"user.created","data":{"id":"u_1"}}'),
    '  Stop with Ctrl-C.',
    '',
  ];
}
