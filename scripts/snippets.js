// Verification of the standard format in eight languages: the table behind docs/verifying-languages.md,
// which this file writes. A test runs every one of them. After a change: node scripts/snippets.js
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * `tool` is the program it needs and `install` the Debian package that brings it. `source` is what the
 * program's file is called; `build` makes something of it, `run` starts it; both in its directory.
 */
export const snippets = [
  {
    language: 'JavaScript',
    fence: 'js',
    file: 'javascript.mjs',
    tool: 'node',
    install: 'nodejs',
    source: 'main.mjs',
    run: ['node', 'main.mjs'],
    note: 'Without a package. [`@posthorn/wire`](verifying.md) does more, and five times as fast as others.',
  },
  {
    language: 'Python',
    fence: 'python',
    file: 'python.py',
    tool: 'python3',
    install: 'python3',
    source: 'main.py',
    run: ['python3', 'main.py'],
    note: 'Flask: `request.get_data()`. Django: `request.body`. FastAPI: `await request.body()`.',
  },
  {
    language: 'Ruby',
    fence: 'ruby',
    file: 'ruby.rb',
    tool: 'ruby',
    install: 'ruby',
    source: 'main.rb',
    run: ['ruby', 'main.rb'],
    note: 'Rails: `request.raw_post`. Rack: `request.body.read`.',
  },
  {
    language: 'PHP',
    fence: 'php',
    file: 'php.php',
    tool: 'php',
    install: 'php-cli',
    source: 'main.php',
    run: ['php', 'main.php'],
    note: "`file_get_contents('php://input')`. Laravel and Symfony: `$request->getContent()`.",
  },
  {
    language: 'Perl',
    fence: 'perl',
    file: 'perl.pl',
    tool: 'perl',
    install: 'perl',
    source: 'main.pl',
    run: ['perl', 'main.pl'],
    note: 'Mojolicious: `$c->req->body`. PSGI: read `psgi.input`.',
  },
  {
    language: 'Go',
    fence: 'go',
    file: 'go.go',
    tool: 'go',
    install: 'golang-go',
    source: 'verify.go',
    // A file of its own: imports stand at the top of one.
    harness: 'main.go',
    build: ['go', 'build', '-o', 'main', 'verify.go', 'main.go'],
    run: ['./main'],
    note: '`io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))`.',
  },
  {
    language: 'Java',
    fence: 'java',
    file: 'java.java',
    tool: 'javac',
    install: 'default-jdk-headless',
    source: 'Webhooks.java',
    build: ['javac', 'Webhooks.java'],
    run: ['java', '-XX:TieredStopAtLevel=1', 'Main'],
    note: 'Spring: `@RequestBody byte[] body`. Servlets: `request.getInputStream().readAllBytes()`.',
  },
  {
    language: 'Rust',
    fence: 'rust',
    file: 'rust.rs',
    tool: 'cargo',
    install: 'cargo librust-data-encoding-dev librust-hmac-dev librust-sha2-dev',
    source: 'src/main.rs',
    build: ['cargo', 'build', '--quiet', '--offline'],
    run: ['target/debug/snippet'],
    note: 'axum: `body: Bytes` and `headers: HeaderMap`; see [the FerrisKey receiver](../examples/receivers/ferriskey-axum).',
  },
];

const INTRO = `# Verifying in other languages

<!-- Written by scripts/snippets.js from scripts/snippets/. -->

Any library for [Standard Webhooks](https://www.standardwebhooks.com/) verifies what the formats
\`standard\`, and the others with \`standardHeaders\`, are signed with. Where you want none, these functions
are all it takes. They refuse what many libraries let through: ids with a dot, timestamps with junk
behind, secrets that are too short, and endless lists of signatures. Each is run by the tests.

Three rules, whatever the language:

- Verify the **bytes as received**, before anything parses or decodes them.
- Answer 2xx only when the work is done or safely queued.
- Remember \`webhook-id\`: a retry carries the same one.
`;

const directory = new URL('./snippets/', import.meta.url);

/** @param {string} file */
export function readSnippet(file) {
  return readFileSync(new URL(file, directory), 'utf8');
}

/** The whole page. */
export function renderSnippets() {
  const sections = snippets.map(({ language, fence, file, note }) =>
    [`## ${language}\n`, `${note}\n`, `\`\`\`${fence}\n${readSnippet(file)}\`\`\`\n`].join('\n'),
  );
  return [INTRO, ...sections].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('../docs/verifying-languages.md', import.meta.url), renderSnippets());
}
