import { Argument, type Command, type Option } from 'commander';
import type { Stream } from './output.ts';
import type { AddCommand } from './program.ts';

/** `posthorn completion`: what a shell offers after Tab, from the commands themselves. */

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const EXAMPLES = `
bash:  posthorn completion bash > ~/.local/share/bash-completion/completions/posthorn
zsh:   posthorn completion zsh > "\${fpath[1]}/_posthorn"
fish:  posthorn completion fish > ~/.config/fish/completions/posthorn.fish`;

export function addCompletion(
  add: AddCommand,
  of: { readonly program: Command; readonly stdout: Stream },
): void {
  add('completion', 'Print a script that completes commands and options in a shell')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .addHelpText('after', EXAMPLES)
    .action((shell: Shell) => {
      of.stdout.write(SCRIPTS[shell](commandsOf(of.program)));
    });
}

interface Completed {
  readonly name: string;
  readonly about: string;
  readonly options: readonly CompletedOption[];
  /** What its first argument may be; empty = a file may be meant. */
  readonly words: readonly string[];
}

interface CompletedOption {
  readonly flags: readonly string[];
  readonly about: string;
  readonly value: 'none' | 'any' | readonly string[];
}

function commandsOf(program: Command): Completed[] {
  return program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    options: [
      ...command.options.filter(({ hidden }) => !hidden).map(optionOf),
      { flags: ['--help'], about: 'show what the command does', value: 'none' },
    ],
    words: command.registeredArguments[0]?.argChoices ?? [],
  }));
}

function optionOf({ short, long, description, argChoices, required }: Option): CompletedOption {
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    about: description.replace(/ \(.*$/s, ''),
    value: argChoices ?? (required ? 'any' : 'none'),
  };
}

const SCRIPTS: Readonly<Record<Shell, (commands: readonly Completed[]) => string>> = {
  bash(commands) {
    const cases = commands.map(({ name, options, words }) => {
      const flags = options.flatMap((option) => option.flags).join(' ');
      return `    ${name}) flags=${quoted(flags)} words=${quoted(words.join(' '))} ;;`;
    });
    const values = commands.flatMap(({ name, options }) =>
      options.flatMap(({ flags, value }) => {
        if (value === 'none') return [];
        const pattern = flags.map((flag) => `${name}:${flag}`).join('|');
        const offer = value === 'any' ? 'files=1' : `words=${quoted(value.join(' '))}`;
        return [`    ${pattern}) value=1 ${offer} ;;`];
      }),
    );
    return `# posthorn: completion for bash
_posthorn() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local command="\${COMP_WORDS[1]}" flags= words= files= value=
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted([...commands.map(({ name }) => name), '--help', '--version'].join(' '))} -- "$current"))
    return
  fi
  case "$command" in
${cases.join('\n')}
  esac
  case "$command:$before" in
${values.join('\n')}
  esac
  if [ -z "$value" ] && [ "\${current#-}" != "$current" ]; then words="$flags" files=
  elif [ -z "$words" ]; then files=1; fi
  if [ -n "$files" ]; then COMPREPLY=($(compgen -f -- "$current"))
  else COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o filenames -F _posthorn posthorn
`;
  },

  zsh(commands) {
    const names = commands.map(({ name, about }) => `    ${quoted(`${name}:${about}`)}`);
    const cases = commands.map(({ name, options, words }) => {
      const specs = options.flatMap(({ flags, about, value }) => {
        const offer =
          value === 'none' ? '' : value === 'any' ? ':value:_files' : `:value:(${value.join(' ')})`;
        return flags.map((flag) => quoted(`*${flag}[${escaped(about)}]${offer}`));
      });
      const rest = words.length > 0 ? `*:argument:(${words.join(' ')})` : '*:argument:_files';
      return `    ${name}) _arguments ${[...specs, quoted(rest)].join(' ')} ;;`;
    });
    return `#compdef posthorn
_posthorn() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command="\${words[2]}"
  shift words; (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
_posthorn "$@"
`;
  },

  fish(commands) {
    const lines = commands.flatMap(({ name, about, options, words }) => {
      const inside = `complete -c posthorn -n '__fish_seen_subcommand_from ${name}'`;
      return [
        `complete -c posthorn -n __fish_use_subcommand -f -a ${name} -d ${fishQuoted(about)}`,
        ...options.map(({ flags, about: told, value }) => {
          const named = flags.map((flag) =>
            flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`,
          );
          const offer =
            value === 'none'
              ? ''
              : value === 'any'
                ? ' -r'
                : ` -x -a ${fishQuoted(value.join(' '))}`;
          return `${inside} ${named.join(' ')}${offer} -d ${fishQuoted(told)}`;
        }),
        ...(words.length > 0 ? [`${inside} -f -a ${fishQuoted(words.join(' '))}`] : []),
      ];
    });
    return `# posthorn: completion for fish\n${lines.join('\n')}\n`;
  },
};

/** One word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function fishQuoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

/** zsh ends a description at a bracket. */
function escaped(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, (character) => `\\${character}`);
}
