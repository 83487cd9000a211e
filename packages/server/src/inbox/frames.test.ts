import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  decodePacket,
  encodeFrame,
  FRAME_BYTES_MAX,
  type Frame,
  FrameError,
  PacketWriter,
} from './frames.ts';

/** Every kind of frame, with bytes and texts that are easy to get wrong. */
const EVERY: readonly Frame[] = [
  {
    type: 'hello',
    hello: {
      token: 'phk_ü"\n',
      inbox: 'shop',
      listener: 'laptop',
      mode: 'share',
      from: 12,
      takeOver: true,
      filter: 'method:POST',
      window: 256,
      responder: true,
      agent: 'posthorn/1 (dev-mbp)',
    },
  },
  {
    type: 'welcome',
    welcome: {
      attachment: 'a1',
      generation: 3,
      inbox: { id: 'inb_x', name: 'shop', url: 'https://x/in/shop' },
      listener: 'laptop',
      responder: false,
      head: 9,
      acked: 4,
      backlog: 5,
      gap: { from: 1, to: 3 },
    },
  },
  {
    type: 'open',
    stream: 0xffffffff,
    head: {
      seq: 7,
      id: 'cap_x',
      receivedAt: 1,
      method: 'POST',
      path: '/a?b=\u{1f40e}',
      headers: ['X-\xe9', 'a', 'x', ''],
      remoteAddress: '::1',
      bodyBytes: 3,
      liveMs: 10_000,
      replay: false,
    },
    bytes: Buffer.of(0, 255, 10),
    end: true,
  },
  { type: 'data', stream: 2, bytes: Buffer.alloc(65_536, 7), end: false },
  { type: 'credit', stream: 0, bytes: 4_000_000_000 },
  { type: 'answer', stream: 2, head: { status: 200, headers: [] }, bytes: Buffer.of(), end: true },
  {
    type: 'ack',
    results: [
      { seq: 1, status: 500, ms: 1.5, error: null, truncated: false },
      { seq: 2, status: null, ms: 0, error: 'gave up', truncated: true },
    ],
  },
  { type: 'nack', seq: 4, reason: 'refused', holdMs: 1000 },
  { type: 'reset', stream: 9 },
  { type: 'ping', clock: 1795301947123.25 },
  { type: 'pong', clock: 0 },
  { type: 'goaway', reason: 'replaced', message: 'by another', reconnectAfterMs: null },
  { type: 'bye' },
  { type: 'seek', after: 12 },
  { type: 'state', state: 'holding' },
];

const plain = (frames: readonly Frame[]) =>
  frames.map((frame) =>
    'bytes' in frame && typeof frame.bytes !== 'number'
      ? { ...frame, bytes: Buffer.from(frame.bytes).toString('hex') }
      : frame,
  );

test('every frame comes out as it went in, alone and in one packet', () => {
  for (const frame of EVERY) {
    expect(plain(decodePacket(encodeFrame(frame)))).toEqual(plain([frame]));
  }
  expect(plain(decodePacket(Buffer.concat(EVERY.map(encodeFrame))))).toEqual(plain(EVERY));
});

test('whatever comes, it is frames or a FrameError', () => {
  const genuine = Buffer.concat(EVERY.filter(({ type }) => type !== 'data').map(encodeFrame));
  const mutated = fc
    .array(fc.tuple(fc.nat(genuine.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
    .map((changes) => {
      const bytes = Buffer.from(genuine);
      for (const [at, byte] of changes) bytes[at] = byte;
      return bytes;
    });
  const cut = fc.nat(genuine.length).map((length) => genuine.subarray(0, length));
  const anything = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.oneof(mutated, cut, anything), (bytes) => {
      try {
        decodePacket(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(FrameError);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a frame that claims to be huge is refused before anything is kept for it', () => {
  const bytes = encodeFrame({ type: 'bye' });
  bytes.writeUInt32BE(FRAME_BYTES_MAX + 1);
  expect(() => decodePacket(bytes)).toThrow(FrameError);
});

test('fields of another kind are refused', () => {
  const [hello] = EVERY as [Frame & { type: 'hello' }];
  for (const wrong of [
    { mode: 'all' },
    { window: -1 },
    { window: 1.5 },
    { takeOver: 1 },
    { token: 'x'.repeat(300) },
    { from: null },
  ]) {
    const frame = { type: 'hello', hello: { ...hello.hello, ...wrong } } as unknown as Frame;
    expect(() => decodePacket(encodeFrame(frame))).toThrow(FrameError);
  }
});

test('frames of one turn share a packet; a full packet goes at once', async () => {
  const packets: Uint8Array[] = [];
  const writer = new PacketWriter((packet) => packets.push(packet));
  writer.write({ type: 'bye' });
  writer.write({ type: 'ping', clock: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(packets.map((packet) => decodePacket(packet).length)).toEqual([2]);
  for (let i = 0; i < 5; i++) {
    writer.write({ type: 'data', stream: 1, bytes: Buffer.alloc(65_536), end: false });
  }
  expect(packets.length).toBe(3);
  writer.flush();
  expect(packets.slice(1).flatMap(decodePacket)).toHaveLength(5);
});
