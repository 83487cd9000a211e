// @ts-check
/** A small client of the control API: any answer is a value, only a broken connection throws. */
import http from 'node:http';

const PAGES_MAX = 20_000;

/**
 * @typedef {object} Answer
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string} text
 * @property {any} json undefined when the body is no JSON
 */

export class Api {
  #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

  /** @param {string} origin @param {string} key */
  constructor(origin, key) {
    this.origin = origin;
    this.key = key;
    this.tenant = '/api/v1/tenants/default';
  }

  /**
   * @param {string} method
   * @param {string} path absolute, or relative to the tenant (`/events`)
   * @param {{ body?: unknown, raw?: string | Uint8Array, headers?: Record<string, string>, timeoutMs?: number, again?: boolean }} [options]
   * @returns {Promise<Answer>}
   */
  request(method, path, options = {}) {
    const target = /^\/(api|healthz|readyz|metrics|openapi)/.test(path) ? path : this.tenant + path;
    const body =
      options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    return new Promise((resolve, reject) => {
      const req = http.request(this.origin + target, {
        method,
        agent: this.#agent,
        timeout: options.timeoutMs ?? 30_000,
        headers: {
          authorization: `Bearer ${this.key}`,
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
          ...options.headers,
        },
      });
      req.on('timeout', () => req.destroy(new Error(`${method} ${target}: no answer in time`)));
      req.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
        // The server closed an idle connection just as it was used again: nothing was handled.
        if (req.reusedSocket && error.code === 'ECONNRESET' && !options.again) {
          this.request(method, path, { ...options, again: true }).then(resolve, reject);
        } else reject(error);
      });
      req.on('response', (res) => {
        /** @type {Buffer[]} */
        const chunks = [];
        res.on('data', (chunk) => chunks.push(chunk));
        res.on('error', reject);
        res.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parse(text) });
        });
      });
      req.end(body);
    });
  }

  /** The JSON of a 2xx answer; anything else throws with the answer. @param {string} path */
  async get(path) {
    return this.#expect('GET', path, await this.request('GET', path));
  }

  /** @param {string} path @param {unknown} [body] */
  async post(path, body) {
    return this.#expect('POST', path, await this.request('POST', path, { body }));
  }

  /**
   * An endpoint with the settings of a test: short budget, short schedule.
   * @param {string} url @param {readonly string[]} eventTypes @param {Record<string, unknown>} [more]
   */
  endpoint(url, eventTypes, more = {}) {
    return this.post('/endpoints', {
      name: 'trust',
      url,
      eventTypes,
      timeoutMs: 1000,
      retryPolicy: { schedule: [1, 1, 1], jitter: 0 },
      ...more,
    });
  }

  /** @param {string} type @param {unknown} [data] */
  event(type, data = { n: 1 }) {
    return this.post('/events', { type, data });
  }

  /** All items of a cursor-paged list, newest first. @param {string} path @returns {Promise<any[]>} */
  async list(path) {
    const items = [];
    let cursor = '';
    for (let page = 0; page < PAGES_MAX; page++) {
      const mark = path.includes('?') ? '&' : '?';
      const { items: some, next } = await this.get(`${path}${mark}limit=200${cursor}`);
      items.push(...some);
      if (next === undefined || next === null) return items;
      cursor = `&cursor=${encodeURIComponent(next)}`;
    }
    throw new Error(`${path} has more than ${PAGES_MAX} pages`);
  }

  close() {
    this.#agent.destroy();
  }

  /** @param {string} method @param {string} path @param {Answer} answer */
  #expect(method, path, answer) {
    if (answer.status >= 200 && answer.status < 300) return answer.json;
    throw new Error(`${method} ${path} answered ${answer.status}: ${answer.text.slice(0, 500)}`);
  }
}

/** @param {string} text */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
