// @ts-check
/** A wire between a node and its database that can be cut: nothing passes, and nobody is told. */
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export class Wire {
  /** @type {Set<net.Socket>} */
  #sockets = new Set();
  #cut = false;
  #deaf = false;
  #delayMs = 0;
  #server = net.createServer((near) => this.#join(near));

  /** @param {number} to */
  constructor(to) {
    this.to = to;
  }

  /** @param {number} to */
  static async open(to) {
    const wire = new Wire(to);
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get port() {
    return /** @type {net.AddressInfo} */ (this.#server.address()).port;
  }

  /** Bytes stop, connections stay open: what a firewall that drops does. */
  cut() {
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  heal() {
    this.#cut = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** What the near side sends arrives, what it is answered does not; until `reset`. */
  deaf() {
    this.#deaf = true;
  }

  /** Whatever passes arrives later by so much. @param {number} delayMs */
  delay(delayMs) {
    this.#delayMs = delayMs;
  }

  /** Ends every connection; new ones go to `to`. @param {number} [to] */
  reset(to = this.to) {
    this.to = to;
    this.#deaf = false;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  close() {
    this.reset();
    this.#server.close();
  }

  /** @param {net.Socket} near */
  #join(near) {
    const far = net.connect(this.to, '127.0.0.1');
    for (const [from, into] of /** @type {const} */ ([
      [near, far],
      [far, near],
    ])) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      let late = 0;
      let last = Promise.resolve();
      from.on('data', (chunk) => {
        if (this.#deaf && from === far) return;
        const pass = () => {
          if (!into.destroyed && !into.write(chunk)) from.pause();
        };
        if (this.#delayMs === 0 && !late) pass();
        else {
          // In order also when the delay ends while something is under way.
          late += 1;
          const wait = sleep(this.#delayMs);
          last = last
            .then(() => wait)
            .then(pass)
            .then(() => {
              late -= 1;
            });
        }
      });
      from.on('drain', () => {
        if (!this.#cut) into.resume();
      });
      from.on('error', () => {});
      from.on('close', () => {
        this.#sockets.delete(from);
        into.destroy();
      });
      if (this.#cut) from.pause();
    }
  }
}
