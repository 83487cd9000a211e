import type { RequestListener } from 'node:http';
import { resolve } from 'node:path';
import type { EventInput } from '@posthorn/api';
import { EnvelopeError, type EventDraft, parseEvents } from '@posthorn/wire';
import { type App, startApp } from './app.ts';
import { type Config, loadConfig } from './config.ts';
import { AppError } from './core/errors.ts';
import type { PublishedEvent } from './delivery/publish.ts';
import { DEFAULT_TENANT } from './delivery/registry/tenants.ts';
import { createLogger, createMetrics, type LogLevel } from './telemetry.ts';

export { ConfigError } from './config.ts';
export { AppError, type AppErrorOptions, type ErrorCode } from './core/errors.ts';
export type { PublishedEvent } from './delivery/publish.ts';

export interface PosthornOptions {
  /** Where everything is kept; made if missing. Default `.posthorn`. One process at a time. */
  readonly dataDirectory: string;
  /** Port of the API; 0 (the default) takes any free one. */
  readonly port: number;
  /** Address of the API. Default 127.0.0.1: this machine only. */
  readonly host: string;
  /** false = opens no port: mount `handler` in a server of your own. Default true. */
  readonly listen: boolean;
  /** URL under which people reach the API, if it differs from host and port. */
  readonly baseUrl: string;
  /** Networks that webhooks may reach although they are not global: `CIDR[:port]`. */
  readonly egressAllow: readonly string[];
  /** Webhooks may have plain http: URLs. Default false. */
  readonly allowHttp: boolean;
  /** Webhooks may reach this machine, for development. Default false. */
  readonly allowLoopback: boolean;
  /** Serve the dashboard and the portal too. Default true. */
  readonly dashboard: boolean;
  /** API key with every right, 32-256 printable characters. Made at the first start if left out. */
  readonly adminKey: string;
  /** Encrypts secrets at rest, at least 32 characters. Made and kept with the data if left out. */
  readonly masterKey: string;
  /** Keep an index for text search. Default true. */
  readonly search: boolean;
  /** Tell receivers to which trace a request belongs (`traceparent`). Default false. */
  readonly passTrace: boolean;
  /** Everything in the calling thread instead of three of its own. Default false. */
  readonly inline: boolean;
  /** What is written to stderr, as JSON lines. Default `warn`. */
  readonly logLevel: LogLevel;
}

/** An event as the API takes it, with the tenant it belongs to (default `default`). */
export interface PublishInput extends EventInput {
  readonly tenant?: string;
}

export interface Posthorn {
  /** Of the API; with `listen: false` it is `baseUrl`. */
  readonly url: string;
  /** For the API; undefined = made at an earlier start, and its file is gone. */
  readonly adminKey: string | undefined;
  /** A link that signs one operator in to the dashboard, once; undefined = there is no dashboard. */
  dashboardLink(): Promise<string | undefined>;
  /** Resolved = stored with all it owes, on disk. Rejects with `AppError`, and then nothing is. */
  publish(event: PublishInput): Promise<PublishedEvent>;
  /** Answers the paths of the API (`/api/v1`, `/healthz`, …) in a `node:http` server of yours. */
  readonly handler: RequestListener;
  /** Lets what is in flight end, and closes the store. Repeated calls are the same one. */
  close(): Promise<void>;
  /** Resolves when it has ended: with what forced it, or without after `close`. */
  readonly closed: Promise<Error | undefined>;
}

/**
 * Posthorn inside a Node program: the same store and the same guarantees as the server. Reads neither
 * the environment nor a configuration file. Rejects with `ConfigError` for a wrong option, and with
 * what is wrong if the data directory cannot be used.
 *
 *     const hooks = await createPosthorn({ dataDirectory: 'data/hooks' });
 *     await hooks.publish({ type: 'user.created', data: { id: 1 } });
 */
export async function createPosthorn(options: Partial<PosthornOptions> = {}): Promise<Posthorn> {
  const config = configOf(options);
  const { logLevel: level } = config;
  const app = await startApp({
    config,
    logger: createLogger({ level, format: 'json', stream: process.stderr }),
    metrics: createMetrics(),
    inline: options.inline ?? false,
    listen: options.listen ?? true,
  });
  const { url, handler, closed } = app;
  return {
    url,
    adminKey: app.adminKey.text,
    handler,
    closed,
    dashboardLink: app.dashboardLink,
    publish: (event) => publish(app, event),
    close: () => app.close(),
  };
}

/** Through the table of the server's options, so that both refuse the same values. */
function configOf(options: Partial<PosthornOptions>): Config {
  const directory = resolve(options.dataDirectory ?? '.posthorn');
  const flags = {
    data: directory,
    port: String(options.port ?? 0),
    host: options.host ?? '127.0.0.1',
    egressHttp: String(options.allowHttp ?? false),
    dashboard: String(options.dashboard ?? true),
    search: String(options.search ?? true),
    passTrace: String(options.passTrace ?? false),
    logLevel: options.logLevel ?? 'warn',
    ...(options.egressAllow && { egressAllow: options.egressAllow.join(',') }),
    ...(options.baseUrl !== undefined && { baseUrl: options.baseUrl }),
    ...(options.adminKey !== undefined && { adminKey: options.adminKey }),
    ...(options.masterKey !== undefined && { masterKey: options.masterKey }),
  };
  // The data directory holds no configuration, so nothing but these flags is read.
  const command = options.allowLoopback ? 'dev' : 'serve';
  return loadConfig({ command, flags, env: {}, cwd: directory });
}

async function publish(app: App, input: PublishInput): Promise<PublishedEvent> {
  const { tenant = DEFAULT_TENANT, ...event } = input;
  const [published] = await app.publisher.publish(tenant, draftsOf(event));
  return published as PublishedEvent;
}

/** By way of its JSON: then the rules, the limits and the stored bytes are those of the API. */
function draftsOf(event: EventInput): EventDraft[] {
  try {
    return parseEvents(Buffer.from(JSON.stringify(event)), {}).events;
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause;
    const details = cause.field === undefined ? {} : { field: cause.field };
    throw new AppError(cause.code, cause.message, { cause, details });
  }
}
