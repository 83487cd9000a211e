import { spawn, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Emulator } from '../src/cli/screen/emulator.suite.ts';
import { eventually, KEY, type Product } from './product.ts';

/** The built program on a real pseudo-terminal, which Node cannot make by itself. */

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/**
 * Runs its arguments on a terminal. What comes on stdin is typed, but for `\xff columns lines`, which
 * resizes it. Its last words, on stderr: the exit status, and whether the terminal is set as before.
 */
const HOST = `
import fcntl, json, os, pty, select, struct, sys, termios
def resize(columns, lines):
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack('HHHH', lines, columns, 0, 0))
outer, inner = pty.openpty()
resize(80, 24)
before = termios.tcgetattr(inner)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(inner, termios.TIOCSCTTY, 0)
    for n in (0, 1, 2): os.dup2(inner, n)
    os.execvp(sys.argv[1], sys.argv[1:])
sys.stderr.write(str(child) + '\\n')
sys.stderr.flush()
ended = None
while ended is None:
    ready = select.select([outer, 0], [], [], 0.02)[0]
    if outer in ready: os.write(1, os.read(outer, 65536))
    if 0 in ready:
        typed = os.read(0, 4096)
        if typed[:1] == b'\\xff': resize(*map(int, typed[1:].split()))
        else: os.write(outer, typed)
    if not ready:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid: ended = os.waitstatus_to_exitcode(status)
same = termios.tcgetattr(inner) == before
sys.stderr.write(json.dumps({'exit': ended, 'same': same}) + '\\n')
`;

export const hasPython = spawnSync('python3', ['-c', 'import pty, termios']).status === 0;

export interface Terminal {
  readonly emulator: Emulator;
  /** Of the program. */
  readonly pid: Promise<number>;
  type(keys: string): void;
  resize(columns: number, lines: number): void;
  shows(text: RegExp): Promise<string>;
  /** When the program has ended. */
  readonly ended: Promise<{ readonly exit: number; readonly same: boolean }>;
}

export function onTerminal(
  product: Product,
  argv: readonly string[],
  { cwd, env = {} }: { cwd: string; env?: Readonly<Record<string, string>> },
): Terminal {
  const emulator = new Emulator();
  // Terminals begin with a cursor and wrap lines.
  emulator.modes.set('25', true).set('7', true);
  const access = { POSTHORN_URL: product.url, POSTHORN_KEY: KEY };
  const child = spawn('python3', ['-c', HOST, process.execPath, MAIN, ...argv], {
    cwd,
    env: { PATH: process.env['PATH'], HOME: cwd, TERM: 'xterm', ...access, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdout.setEncoding('utf8').on('data', (text: string) => emulator.feed(text));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const pid = eventually(() => said.includes('\n') && Number.parseInt(said, 10), 'it started');
  return {
    emulator,
    pid,
    type: (keys) => void child.stdin.write(keys),
    resize: (columns, lines) =>
      void child.stdin.write(Buffer.from(`\xff${columns} ${lines}`, 'latin1')),
    shows: async (text) => {
      await eventually(() => text.test(emulator.text), `${text} on\n${emulator.text}`);
      return emulator.text;
    },
    ended: new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => {
        const [, last] = said.trim().split('\n');
        if (last === undefined) reject(new Error(said));
        else resolve(JSON.parse(last) as { exit: number; same: boolean });
      });
    }),
  };
}
