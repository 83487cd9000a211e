/**
 * JSON in lines, members indented. Numbers and strings stay as they were written, which printing a parsed
 * value would not do: `1.0`, integers of twenty digits, escapes.
 */

const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g;
const INDENT = '  ';
/** Indents grow with the square of the depth: a short body of nothing but brackets would not fit into memory. */
const DEPTH_MAX = 64;

/** undefined = it is no JSON, or nested too deeply to be read by anybody. */
export function laidOut(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  let out = '';
  let depth = 0;
  const line = () => `\n${INDENT.repeat(depth)}`;
  let opened = false;
  for (const [token] of text.matchAll(TOKENS)) {
    const closes = token === '}' || token === ']';
    if (closes) depth -= 1;
    if (opened !== closes && (opened || closes)) out += line();
    opened = token === '{' || token === '[';
    if (opened) depth += 1;
    if (depth > DEPTH_MAX) return undefined;
    out += token === ':' ? ': ' : token;
    if (token === ',') out += line();
  }
  return out;
}
