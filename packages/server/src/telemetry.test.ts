import { describe, expect, test } from 'vitest';
import { createLogger, createMetrics, type LoggerOptions } from './telemetry.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) };
  const log = createLogger({ level: 'debug', format: 'json', stream, ...options });
  return { log, written, last: () => JSON.parse(written.at(-1) ?? '') as Record<string, unknown> };
}

const NASTY = 'a\r\nb\u001b[31mc\u2028d\u0085e\u202ef\u007f';

describe('JSON lines', () => {
  test('have level, time, fields and message', () => {
    const { log, last } = capture();
    log.info({ port: 4400 }, 'ready');
    expect(last()).toEqual({ level: 'info', time: expect.any(String), port: 4400, msg: 'ready' });
    expect(new Date(String(last()['time'])).getTime()).toBeGreaterThan(0);
  });

  test('are one line without control characters, and read back as the same text', () => {
    const { log, written, last } = capture();
    log.child({ child: NASTY }).warn({ field: NASTY, deep: [{ [NASTY]: NASTY }] }, NASTY);
    expect(written).toHaveLength(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(written[0]).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]*\n$/);
    expect(last()).toMatchObject({ child: NASTY, field: NASTY, deep: [{ [NASTY]: NASTY }] });
    expect(last()['msg']).toBe(NASTY);
  });

  test('say nothing below the level', () => {
    const { log, written } = capture({ level: 'warn' });
    log.info('quiet');
    expect(written).toEqual([]);
  });

  test('carry errors with code and cause', () => {
    const { log, last } = capture();
    const cause = Object.assign(new Error('disk'), { code: 'ENOSPC' });
    log.error({ err: new TypeError('write failed', { cause }) }, 'lost');
    expect(last()['err']).toMatchObject({
      type: 'TypeError',
      message: 'write failed',
      cause: { message: 'disk', code: 'ENOSPC' },
    });
  });

  test('survive cycles, giants and bytes', () => {
    const { log, written, last } = capture();
    const cycle: Record<string, unknown> = { big: 'x'.repeat(100_000), bytes: new Uint8Array(9) };
    cycle['self'] = [cycle, cycle];
    cycle['wide'] = Array.from({ length: 10_000 }, () => ({ a: 1n }));
    log.info({ cycle }, 'odd');
    expect(written[0]?.length).toBeLessThan(1_000_000);
    expect(last()['cycle']).toMatchObject({ bytes: '9 bytes' });
  });
});

describe('secrets', () => {
  test.each([
    ['authorization', 'x'],
    ['Proxy-Authorization', 'x'],
    ['set-cookie', 'sid=1'],
    ['clientSecret', 'x'],
    ['access_token', 'x'],
    ['password', 'x'],
    ['adminKey', 'k'.repeat(32)],
  ])('in %s are masked at any depth', (name, value) => {
    const { log, last } = capture();
    log.info({ a: [{ [name]: value }] });
    expect(last()['a']).toEqual([{ [name]: '***' }]);
  });

  test('in header pairs are masked', () => {
    const { log, last } = capture();
    log.info({ headers: [{ name: 'Cookie', value: 'sid=1' }] });
    expect(last()['headers']).toEqual([{ name: 'Cookie', value: '***' }]);
  });

  test('of child loggers are masked', () => {
    const { log, last } = capture();
    log.child({ token: 'x' }).info('hello');
    expect(last()['token']).toBe('***');
  });

  test('that announce themselves are masked inside any text', () => {
    const { log, written } = capture();
    log.error(new Error('got Bearer abcdefgh12345678 and whsec_MfKQ9r8GKYqrTwjUPD8ILPZI'));
    expect(written[0]).not.toMatch(/abcdefgh|MfKQ9r8/);
  });

  test('are not what a path, an id or a flag is', () => {
    const { log, last } = capture();
    const fields = { adminKeyFile: '/var/lib/posthorn/admin.key', keyId: `key_${'0'.repeat(26)}` };
    log.info({ ...fields, hasSecret: true });
    expect(last()).toMatchObject({ ...fields, hasSecret: true });
  });
});

describe('pretty lines', () => {
  test('show time, level, message and fields', () => {
    const { log, written } = capture({ format: 'pretty' });
    log.warn({ port: 4400, name: 'a b' }, 'ready now');
    expect(written[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}ready now port=4400 name="a b"\n$/);
  });

  test('are one line, and a field cannot forge another', () => {
    const { log, written } = capture({ format: 'pretty' });
    log.info({ [NASTY]: NASTY, x: 'y level=error' }, NASTY);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    expect(written.join('')).toMatch(/^[^\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]*\n$/);
    expect(written[0]).toContain('x="y level=error"');
  });

  test('are what auto means on a terminal, with colours only if asked', () => {
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text), isTTY: true };
    createLogger({ level: 'info', format: 'auto', stream }).info('x');
    createLogger({ level: 'info', format: 'auto', stream, colors: true }).info('x');
    expect(lines[0]).toMatch(/ INFO {2}x\n$/);
    expect(lines[1]).toContain('\u001b[32mINFO');
  });
});

describe('metrics', () => {
  test('print Prometheus text', () => {
    const metrics = createMetrics();
    const done = metrics.counter({
      name: 'posthorn_deliveries_total',
      help: 'Deliveries that ended.',
      labels: { outcome: ['succeeded', 'failed'] },
    });
    done.add(1, { outcome: 'succeeded' });
    done.add(2, { outcome: 'succeeded' });
    metrics.gauge({ name: 'posthorn_lanes', help: 'Lanes held.' }).set(7);
    metrics.observed({ name: 'posthorn_now', help: 'Asked for.' }, () => 3);
    expect(metrics.text()).toBe(
      [
        '# HELP posthorn_deliveries_total Deliveries that ended.',
        '# TYPE posthorn_deliveries_total counter',
        'posthorn_deliveries_total{outcome="succeeded"} 3',
        '# HELP posthorn_lanes Lanes held.',
        '# TYPE posthorn_lanes gauge',
        'posthorn_lanes 7',
        '# HELP posthorn_now Asked for.',
        '# TYPE posthorn_now gauge',
        'posthorn_now 3',
        '',
      ].join('\n'),
    );
  });

  test('count histogram buckets cumulatively', () => {
    const metrics = createMetrics();
    const seconds = metrics.histogram({ name: 'd_seconds', help: 'D.', buckets: [0.1, 1] });
    for (const value of [0.05, 0.1, 0.5, 9]) seconds.observe(value);
    expect(metrics.text().split('\n').slice(2, -1)).toEqual([
      'd_seconds_bucket{le="0.1"} 2',
      'd_seconds_bucket{le="1"} 3',
      'd_seconds_bucket{le="+Inf"} 4',
      'd_seconds_sum 9.65',
      'd_seconds_count 4',
    ]);
  });

  test('count an unknown label value as other, so that series stay bounded', () => {
    const metrics = createMetrics();
    const c = metrics.counter({ name: 'c_total', help: 'C.', labels: { code: ['200'] } });
    for (let code = 300; code < 400; code++) c.add(1, { code: `${code}"\n` });
    expect(metrics.text()).toContain('c_total{code="other"} 100\n');
  });

  test('refuse a name twice, a bad name and too many series', () => {
    const metrics = createMetrics();
    metrics.counter({ name: 'c_total', help: 'C.' });
    expect(() => metrics.counter({ name: 'c_total', help: 'C.' })).toThrow('made twice');
    expect(() => metrics.counter({ name: 'C total', help: 'C.' })).toThrow('not valid');
    const labels = { id: Array.from({ length: 1000 }, (_, index) => String(index)) };
    expect(() => metrics.counter({ name: 'ids_total', help: 'I.', labels })).toThrow('1001 series');
  });
});
