/**
 * The text of a member of a JSON object, exactly as it stands; undefined = there is none. The object is
 * an answer of ours, so it is JSON; what the member holds may be anything.
 */
export function memberText(json: string, name: string): string | undefined {
  const key = JSON.stringify(name);
  let depth = 0;
  let from: number | undefined;
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '"') {
      const end = endOfString(json, at);
      const isKey = depth === 1 && from === undefined && json.startsWith(`${key}:`, at);
      at = end;
      if (isKey) from = end + 2;
    } else if (character === '{' || character === '[') {
      depth += 1;
    } else if (character === '}' || character === ']') {
      depth -= 1;
      if (depth === 0 && from !== undefined) return json.slice(from, at);
    } else if (character === ',' && depth === 1 && from !== undefined) {
      return json.slice(from, at);
    }
  }
  return undefined;
}

/** Where the string that begins at `from` has its closing quote. */
export function endOfString(text: string, from: number): number {
  let end = from;
  do {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
  } while (isEscaped(text, end));
  return end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === '\\') before -= 1;
  return (at - before) % 2 === 0;
}
