// Writes docs/configuration.md from the table in packages/server/src/config.ts, and the examples of
// docs/dialects.md from the golden messages. Run it after a change of either:
// node scripts/setup.js && node scripts/docs.js
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const INTRO = `# Configuration

<!-- Written by scripts/docs.js from the table in packages/server/src/config.ts. -->

Every option can be a flag, an environment variable or a line of \`posthorn.yaml\`. A flag wins over
a variable, a variable over the same one in a file \`.env\` in the working directory, that over
\`posthorn.yaml\`, and that over the default. An unknown flag, variable (\`POSTHORN_…\`) or key is an
error with a suggestion, so a typo cannot pass unnoticed. An empty variable counts as not set.

- \`posthorn.yaml\` is read from the working directory, or from where \`--config\` (\`POSTHORN_CONFIG\`)
  says. Relative paths in it are relative to it.
- A **secret** can be in a file of its own: \`--…-file\`, \`POSTHORN_…_FILE\`, \`…File\` in the YAML file.
  Prefer that to a flag, which every user of the machine can read.
- Times have a unit: \`ms\`, \`s\`, \`m\`, \`h\`, \`d\`. Sizes too: \`B\`, \`KiB\`, \`MiB\`, \`GiB\`.
- A boolean has two flags: \`--egress-http\` and \`--no-egress-http\`.
- \`NO_COLOR\` switches colours off.

\`posthorn doctor\` shows what is set and from where; secrets are never shown.

\`\`\`yaml
# posthorn.yaml
host: 127.0.0.1
data: /var/lib/posthorn
adminKeyFile: /run/secrets/posthorn-admin-key
egressAllow: ["10.0.0.0/8:443"]
retention: 30d
\`\`\`
`;

/** The whole page. `rows` is what \`configTable()\` returns. */
export function renderConfiguration(rows) {
  const server = rows.filter((row) => row.commands.includes('serve'));
  const client = rows.filter((row) => row.commands.includes('send'));
  return [
    INTRO,
    '## Server: `posthorn dev`, `serve` and `doctor`\n',
    renderTable(server),
    '## Client: the commands that talk to a running server\n',
    renderTable(client),
  ].join('\n');
}

function renderTable(rows) {
  const lines = rows.map((row) => {
    const kind = [
      row.choices ? row.choices.join(', ') : row.kind,
      ...(row.secret ? ['secret'] : []),
    ];
    const cells = [code(row.name), code(row.flag), code(row.env), kind.join(', '), defaultOf(row)];
    return `| ${[...cells, row.help].join(' | ')} |`;
  });
  const head = ['| YAML | flag | variable | kind | default | |', '|---|---|---|---|---|---|'];
  return `${[...head, ...lines].join('\n')}\n`;
}

function defaultOf({ defaults: { dev, serve } }) {
  if (serve === undefined) return '';
  return dev === serve ? code(serve) : `dev ${code(dev)}, serve ${code(serve)}`;
}

function code(text) {
  return `\`${text}\``;
}

const EXAMPLE = /(<!-- golden: (\S+) "(.+)" -->\n)(?:\n```http\n[^`]*```\n)?/g;

/**
 * docs/dialects.md with its examples filled in: `golden` gives the messages of a dialect, as they stand
 * in packages/wire/fixtures.
 */
export function fillExamples(page, golden) {
  return page.replaceAll(EXAMPLE, (...match) => {
    const [, mark, dialect, name] = match;
    const one = golden(dialect).find((message) => message.name === name);
    if (!one) throw new Error(`docs/dialects.md: ${dialect} has no golden message "${name}"`);
    const head = [`${one.method} /hook HTTP/1.1`, ...one.headers.map((pair) => pair.join(': '))];
    return `${mark}\n\`\`\`http\n${head.join('\n')}\n\n${one.body}\n\`\`\`\n`;
  });
}

/** The golden messages of a dialect. */
export function readGolden(dialect) {
  const file = new URL(`../packages/wire/fixtures/${dialect}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { configTable } = await import('../packages/server/dist/config.js');
  const page = new URL('../docs/configuration.md', import.meta.url);
  writeFileSync(page, renderConfiguration(configTable()));
  const formats = new URL('../docs/dialects.md', import.meta.url);
  writeFileSync(formats, fillExamples(readFileSync(formats, 'utf8'), readGolden));
}
