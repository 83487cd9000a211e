import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Progress, ResponseParser, renderRequest } from './http1.ts';
import { CHUNKED, MALFORMED, OK } from './test-malformed.suite.ts';

interface Parsed {
  readonly progress: Progress;
  readonly parser: ResponseParser;
}

function parse(chunks: readonly (string | Buffer)[], bodiless = false): Parsed {
  const parser = new ResponseParser();
  parser.reset(bodiless);
  let progress: Progress = 'more';
  for (const chunk of chunks) {
    if (progress !== 'more') break;
    progress = parser.feed(typeof chunk === 'string' ? Buffer.from(chunk, 'latin1') : chunk);
  }
  return { progress, parser };
}

function view({ progress, parser }: Parsed) {
  const { status, truncated, reusable, keepAliveMs, problem } = parser;
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');
  const head = text(parser.head);
  return {
    progress,
    status,
    truncated,
    reusable,
    keepAliveMs,
    problem,
    head,
    body: text(parser.body),
  };
}

/** Cuts at the given places, which may repeat. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b),
    bytes.length,
  ];
  return places.slice(1).map((to, i) => bytes.subarray(places[i], to));
}

const VALID: readonly string[] = [
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:\t2 \r\n\r\nhello',
  'HTTP/1.1 204 No Content\r\nKeep-Alive: timeout=7, max=100\r\n\r\n',
  'HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n5;a="b"\r\nhello\r\n0A\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n',
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
  'HTTP/1.1 404\r\nConnection: keep-alive, Close\r\ncontent-length: 0\r\n\r\n',
  'HTTP/1.1 200 \xe9t\xe9\r\nX-Latin: \xff\r\nContent-Length: 3\r\n\r\na\r\n',
  `HTTP/1.1 400 Bad\r\nContent-Length: 70000\r\n\r\n${'x'.repeat(70_000)}`,
  `HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${'y'.repeat(9_000)}`,
];

describe('valid responses', () => {
  test('keeps the head as it came, without the empty line', () => {
    expect(view(parse([VALID[0] ?? '']))).toEqual({
      progress: 'done',
      status: 200,
      truncated: false,
      reusable: true,
      keepAliveMs: undefined,
      problem: '',
      head: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:\t2 \r\n',
      body: 'hello',
    });
  });

  test('takes the chunked coding off the body', () => {
    expect(view(parse([VALID[2] ?? '']))).toMatchObject({
      status: 500,
      body: 'hello0123456789',
      reusable: true,
    });
  });

  test('skips interim responses', () => {
    const seen = view(parse([VALID[3] ?? '']));
    expect(seen).toMatchObject({ status: 200, body: 'ok', reusable: true });
    expect(seen.head).toBe('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n');
  });

  test('exposes how long the peer keeps the connection', () => {
    expect(view(parse([VALID[1] ?? '']))).toMatchObject({
      status: 204,
      keepAliveMs: 7_000,
      body: '',
    });
  });

  test.each([VALID[4], VALID[5]])('does not use the connection again after %j', (text) => {
    expect(view(parse([text ?? '']))).toMatchObject({ progress: 'done', reusable: false });
  });

  test('gives the same result wherever a response is cut', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VALID),
        fc.array(fc.nat(), { maxLength: 12 }),
        (text, cuts) => {
          const bytes = Buffer.from(text, 'latin1');
          expect(view(parse(split(bytes, cuts)))).toEqual(view(parse([bytes])));
        },
      ),
      { numRuns: 500 },
    );
    for (const text of VALID.slice(0, 7)) {
      const bytes = Buffer.from(text, 'latin1');
      const each = split(bytes, [...bytes.keys()]);
      expect(view(parse(each))).toEqual(view(parse([bytes])));
    }
  });

  test('does not depend on the chunks it was fed staying as they were', () => {
    const parser = new ResponseParser();
    parser.reset(false);
    const shared = Buffer.alloc(16);
    const bytes = Buffer.from(VALID[0] ?? '', 'latin1');
    for (let at = 0; at < bytes.length; at += 16) {
      shared.fill(0x21);
      parser.feed(shared, bytes.copy(shared, 0, at, Math.min(at + 16, bytes.length)));
    }
    shared.fill(0);
    expect(Buffer.from(parser.body).toString()).toBe('hello');
  });

  test('can be used again, without touching what it gave out', () => {
    const { parser } = parse([VALID[0] ?? '']);
    const { body } = parser;
    parser.reset(false);
    parser.feed(Buffer.from('HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nworld'));
    expect([Buffer.from(body).toString(), Buffer.from(parser.body).toString()]).toEqual([
      'hello',
      'world',
    ]);
  });

  test('reads no body after HEAD, 204 and 304, whatever is announced', () => {
    const head = 'Content-Length: 10\r\n\r\n';
    expect(view(parse([`HTTP/1.1 200 OK\r\n${head}`], true))).toMatchObject({
      progress: 'done',
      reusable: true,
    });
    expect(view(parse([`HTTP/1.1 304 Not Modified\r\n${head}`]))).toMatchObject({
      progress: 'done',
    });
  });

  test('without a length, ends when the peer closes', () => {
    const { progress, parser } = parse(['HTTP/1.1 200 OK\r\n\r\nall', ' of it']);
    expect(progress).toBe('more');
    expect(parser.end()).toBe(true);
    expect(Buffer.from(parser.body).toString()).toBe('all of it');
    expect(parser.reusable).toBe(false);
  });

  test('is not complete when the peer closes early', () => {
    expect(parse(['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell']).parser.end()).toBe(false);
    expect(parse(['HTTP/1.1 200 OK\r\n']).parser.end()).toBe(false);
    expect(parse(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n']).parser.end()).toBe(
      false,
    );
  });

  test('does not use a connection again that carries more than the response', () => {
    for (const text of [VALID[0], VALID[1], VALID[2]]) {
      expect(view(parse([`${text}H`]))).toMatchObject({ progress: 'done', reusable: false });
    }
  });
});

describe('bounds', () => {
  const head = 'HTTP/1.1 500 Oops\r\n';

  test('keeps 64 KiB of a body that is no success, and stops', () => {
    const { progress, parser } = parse([`${head}\r\n`, 'x'.repeat(64 * 1024), 'x']);
    expect(progress).toBe('done');
    expect(parser).toMatchObject({ truncated: true, reusable: false });
    expect(parser.body.length).toBe(64 * 1024);
  });

  test('keeps exactly 64 KiB without a cut', () => {
    const body = 'x'.repeat(64 * 1024);
    const seen = view(parse([`${head}Content-Length: 65536\r\n\r\n${body}`]));
    expect(seen).toMatchObject({ progress: 'done', truncated: false, reusable: true, body });
  });

  test('keeps 4 KiB of a success and reads on, so that the connection stays of use', () => {
    const { progress, parser } = parse([
      `HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n`,
      'x'.repeat(65_536),
    ]);
    expect(progress).toBe('done');
    expect(parser).toMatchObject({ truncated: true, reusable: true });
    expect(parser.body.length).toBe(4_096);
  });

  test('reads no further than it keeps when the announced length is too long anyway', () => {
    const { progress, parser } = parse([
      'HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n',
      'x'.repeat(4_097),
    ]);
    expect(progress).toBe('done');
    expect(parser).toMatchObject({ truncated: true, reusable: false });
  });

  test('stops in an endless chunked body', () => {
    const parser = new ResponseParser();
    parser.reset(false);
    parser.feed(Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n`));
    const chunk = Buffer.from(`400\r\n${'x'.repeat(1_024)}\r\n`);
    let fed = 0;
    while (parser.feed(chunk) === 'more') fed++;
    expect(fed).toBe(64);
    expect(parser.truncated).toBe(true);
  });

  test('refuses a head above 64 KiB, in one header or in many responses', () => {
    expect(parse([`${head}X: ${'x'.repeat(70_000)}`]).progress).toBe('too_large');
    const interim = `HTTP/1.1 103 Hints\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`;
    expect(parse(Array.from({ length: 8 }, () => interim)).progress).toBe('too_large');
  });

  test('takes 256 header lines and not one more', () => {
    const lines = (count: number) => `${head}${'X: 1\r\n'.repeat(count)}\r\n`;
    expect(parse([lines(256)]).parser.status).toBe(500);
    expect(parse([lines(257)]).progress).toBe('too_large');
  });

  test('does not keep a large chunk for a small head', () => {
    const { parser } = parse([`${head}Content-Length: 60000\r\n\r\n${'x'.repeat(60_000)}`]);
    // Small buffers come from shared slabs of `poolSize`.
    expect(parser.head.buffer.byteLength).toBeLessThanOrEqual(Math.max(Buffer.poolSize, 8_192));
  });
});

describe('malformed responses', () => {
  test.each(MALFORMED)('refuses %s, in one piece and byte by byte', (_, text) => {
    const bytes = Buffer.from(text, 'latin1');
    const whole = parse([bytes]);
    expect(whole.progress).toBe('invalid');
    expect(whole.parser.problem).not.toBe('');
    expect(whole.parser.reusable).toBe(false);
    expect(parse(split(bytes, [...bytes.keys()])).progress).toBe('invalid');
  });

  test('never throws and keeps its bounds, whatever comes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(
          OK,
          CHUNKED,
          '\r\n',
          '\r\n\r\n',
          'Content-Length: 3\r\n',
          '5\r\nhello\r\n',
          '0\r\n\r\n',
          'x: y\r\n',
        )
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.boolean(), (chunks, bodiless) => {
        const { progress, parser } = parse(chunks, bodiless);
        expect(['more', 'done', 'invalid', 'too_large']).toContain(progress);
        expect(parser.body.length).toBeLessThanOrEqual(64 * 1024);
        expect(parser.feed(Buffer.from('x'))).toBeDefined();
        parser.end();
      }),
      { numRuns: 3_000 },
    );
  });

  test('damage to a valid response never makes it throw or hang', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...VALID.slice(0, 7)),
        fc.nat(),
        fc.nat(255),
        (text, place, byte) => {
          const bytes = Buffer.from(text, 'latin1');
          bytes[place % bytes.length] = byte;
          const [cut, whole] = [view(parse(split(bytes, [place, byte]))), view(parse([bytes]))];
          expect([cut.progress, cut.status, cut.problem]).toEqual([
            whole.progress,
            whole.status,
            whole.problem,
          ]);
          // A broken response shows what had come, and that depends on the cuts.
          if (whole.progress === 'done')
            expect([cut.head, cut.body]).toEqual([whole.head, whole.body]);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('requests', () => {
  const parts = {
    method: 'POST',
    target: '/a?b=c',
    host: 'example.com',
    headers: [],
    body: Buffer.from('{}'),
  };

  test('writes Host first, the headers as given, and the length last', () => {
    const rendered = renderRequest({
      ...parts,
      headers: [
        { name: 'X-Zulu', value: 'é\t1' },
        { name: 'x-alpha', value: '' },
        { name: 'X-Zulu', value: '2' },
      ],
    });
    const head =
      'POST /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Zulu: \xe9\t1\r\nx-alpha: \r\nX-Zulu: 2\r\nContent-Length: 2\r\n';
    expect(rendered).toEqual({
      bytes: Buffer.from(`${head}\r\n{}`, 'latin1'),
      headLength: head.length,
    });
  });

  test.each(['GET', 'HEAD', 'DELETE'])('writes no length for %s without a body', (method) => {
    const rendered = renderRequest({ ...parts, method, body: new Uint8Array() });
    expect(typeof rendered !== 'string' && rendered.bytes.toString()).not.toContain(
      'Content-Length',
    );
    expect(renderRequest({ ...parts, method })).toMatchObject({ headLength: expect.any(Number) });
  });

  test('writes the length 0 for POST without a body', () => {
    const rendered = renderRequest({ ...parts, body: new Uint8Array() });
    expect(typeof rendered !== 'string' && rendered.bytes.toString()).toContain(
      'Content-Length: 0\r\n',
    );
  });

  test.each([
    ['Host', 'x'],
    ['cOntent-length', '1'],
    ['Transfer-Encoding', 'chunked'],
    ['CONNECTION', 'close'],
    ['Expect', '100-continue'],
    ['Upgrade', 'h2c'],
    ['X Y', '1'],
    ['', '1'],
    ['X\r\nY', '1'],
    ['X:', '1'],
    ['X', 'a\r\nY: b'],
    ['X', 'a\nb'],
    ['X', 'a\0b'],
    ['X', '\u2028'],
    ['X', '\u010a'],
  ])('refuses the header %j: %j', (name, value) => {
    expect(renderRequest({ ...parts, headers: [{ name, value }] })).toBeTypeOf('string');
  });

  test.each(['', 'PO ST', 'POST\r\n', 'CONNECT'])('refuses the method %j', (method) => {
    expect(renderRequest({ ...parts, method })).toBeTypeOf('string');
  });

  test('refuses headers above 64 KiB', () => {
    const headers = [{ name: 'X', value: 'x'.repeat(70_000) }];
    expect(renderRequest({ ...parts, headers })).toContain('64 KiB');
  });
});
