/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
  /** Of this event or the last one before it that had one. */
  readonly id: string;
}

/** Longest line that is still read; a server that sends more is not ours. */
const LINE_CHARS_MAX = 4 * 1024 * 1024;

/**
 * The events of a stream; undefined = something arrived that is none, such as a heartbeat. Throws when a
 * line has no end within reason.
 */
export async function* parseEventStream(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<StreamEvent | undefined> {
  const decoder = new TextDecoder();
  const open = new OpenEvent();
  let rest = '';
  for await (const bytes of body) {
    rest += decoder.decode(bytes, { stream: true });
    if (rest.length > LINE_CHARS_MAX) throw new Error('a line of the event stream has no end');
    // A carriage return at the end may be the first half of a line break.
    const end = rest.endsWith('\r') ? rest.length - 1 : rest.length;
    const lines = rest.slice(0, end).split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? '') + rest.slice(end);
    let found = false;
    for (const line of lines) {
      const event = open.take(line);
      if (!event) continue;
      found = true;
      yield event;
    }
    if (!found) yield undefined;
  }
}

class OpenEvent {
  #event = '';
  #data: string[] = [];
  #id = '';

  /** The event that this line ends. */
  take(line: string): StreamEvent | undefined {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') this.#event = value;
    else if (name === 'data') this.#data.push(value);
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    return undefined;
  }

  #end(): StreamEvent | undefined {
    const [event, data] = [this.#event || 'message', this.#data];
    this.#event = '';
    this.#data = [];
    return data.length === 0 ? undefined : { event, data: data.join('\n'), id: this.#id };
  }
}
