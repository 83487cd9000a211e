import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** What a name answers; `drop` = nothing, ever. */
export interface Reply {
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly cname?: string;
  readonly rcode?: number;
  readonly ttl?: number;
  readonly drop?: boolean;
}

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** `name/A` or `name/AAAA` of every question, in order. */
  readonly questions: string[];
}

/** A DNS server on loopback, UDP and TCP; UDP answers above 512 bytes are cut, with the TC bit. */
export async function startDns(
  answer: (name: string, type: 'A' | 'AAAA') => Reply,
): Promise<DnsServer> {
  const questions: string[] = [];
  const respond = (query: Buffer, limit: number): Buffer | undefined => {
    const labels: string[] = [];
    let at = 12;
    for (let size = query[at] ?? 0; size > 0; size = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + size));
      at += size + 1;
    }
    const name = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1) === 28 ? 'AAAA' : 'A';
    questions.push(`${name}/${type}`);
    const reply = answer(name, type);
    if (reply.drop === true) return undefined;
    const records = (type === 'A' ? reply.a : reply.aaaa)?.map(addressBytes) ?? [];
    const datas = reply.cname === undefined ? records : [nameBytes(reply.cname)];
    const kind = reply.cname !== undefined ? 5 : type === 'A' ? 1 : 28;
    const sections = datas.map((data) => record(kind, reply.ttl ?? 0, data));
    const head = Buffer.from(query.subarray(0, at + 5));
    const cut = head.length + Buffer.concat(sections).length > limit;
    head.writeUInt16BE(0x8180 | (cut ? 0x0200 : 0) | (reply.rcode ?? 0), 2);
    head.writeUInt16BE(cut ? 0 : sections.length, 6);
    head.writeUInt32BE(0, 8); // no authority, no additional records
    return cut ? head : Buffer.concat([head, ...sections]);
  };

  const tcp = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      const response = respond(chunk.subarray(2), 65_535);
      // Even TCP cannot carry it: the server gives up.
      if (response === undefined || ((response[2] ?? 0) & 2) !== 0) {
        socket.destroy();
        return;
      }
      const size = Buffer.alloc(2);
      size.writeUInt16BE(response.length);
      socket.end(Buffer.concat([size, response]));
    });
  }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const bound = tcp.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const udp = createSocket('udp4', (query, peer) => {
    const response = respond(query, 512);
    if (response !== undefined) udp.send(response, peer.port, peer.address);
  }).bind(bound.port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    address: `127.0.0.1:${bound.port}`,
    questions,
    async [Symbol.asyncDispose]() {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

function record(kind: number, ttl: number, data: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0); // the name of the question
  head.writeUInt16BE(kind, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([...labels, Buffer.from([0])]);
}

function addressBytes(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [left = '', right = ''] = text.split('::');
  const groups = (half: string) => half.split(':').filter((group) => group !== '');
  const zeros = new Array<string>(8 - groups(left).length - groups(right).length).fill('0');
  const all = [...groups(left), ...zeros, ...groups(right)];
  return Buffer.concat(all.map((group) => Buffer.from(group.padStart(4, '0'), 'hex')));
}
