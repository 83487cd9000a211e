import {
  Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  visit,
} from 'yaml';
import { printable } from '../output.ts';

/** A YAML file that knows where its values stand, so that problems can name the line. */

export type Path = readonly PropertyKey[];

/** What is wrong, and where; an empty path = with the file as a whole. */
export interface Problem {
  readonly path: Path;
  readonly message: string;
}

export interface YamlFile {
  readonly content: unknown;
  /** `hooks.yaml:12:5: url: what is wrong`, in the form that editors and CI jump to. */
  sentence(problem: Problem): string;
}

/** The file cannot be used; sentences for people, one a line. */
export class FileError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'FileError';
    this.problems = problems;
  }
}

/** Enough for headers that endpoints share; a file that expands without end is refused. */
const ALIASES_MAX = 1000;

/** JSON is YAML, too. Throws `FileError`. */
export function parseYamlFile(text: string, name: string): YamlFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${Math.max(1, line)}:${Math.max(1, col)}`;
  };
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw new FileError(faults.map(({ pos, message }) => `${at(pos[0])}: ${message}`));
  }
  return {
    content: contentOf(document, name),
    sentence({ path, message }) {
      const field = path.at(-1);
      const named = typeof field === 'string' ? `${field}: ` : '';
      return `${at(offsetOf(document, path))}: ${named}${message}`;
    },
  };
}

function contentOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw new FileError([`${name}: ${error instanceof Error ? error.message : String(error)}`]);
  }
}

/** Where a value begins, or its key; of one that is missing, where it should have been. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const segment of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === segment);
      if (!pair) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(segment)];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  const ranged = node as { range?: readonly [number, number, number] | null } | null | undefined;
  return ranged?.range?.[0];
}

/** As it can be printed: only a quoted text can hold characters that a terminal obeys, escaped. */
export function yamlOf(content: unknown): string {
  const document = new Document(content, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_, scalar) {
      const { value } = scalar;
      if (typeof value !== 'string' || printable(value) === value) return;
      scalar.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 });
}
