import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
};

export interface StaticHost {
  /** With a slash at the end. */
  readonly url: string;
  /** Paths that were asked for and are not there. */
  missing(): readonly string[];
  stop(): Promise<void>;
}

/**
 * Answers with files of a folder and no header but their type, as the simplest static host does, and with
 * `extra` files as JSON. Anything that does not lie `below` is not there.
 */
export async function serveFolder(
  folder: string,
  options: {
    readonly below?: string;
    readonly extra?: Readonly<Record<string, unknown>>;
    /** Where it listens. Defaults to 127.0.0.1. */
    readonly host?: string;
    /** Defaults to any free one. */
    readonly port?: number;
  } = {},
): Promise<StaticHost> {
  const { below = '/', extra = {}, host = '127.0.0.1', port = 0 } = options;
  const missing: string[] = [];
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://host').pathname);
    const name = path.startsWith(below) ? path.slice(below.length) : undefined;
    const file = name === undefined || name.endsWith('/') || name === '' ? `${name ?? ''}index.html` : name;
    const own = Object.hasOwn(extra, file) ? Buffer.from(JSON.stringify(extra[file])) : undefined;
    const found =
      name === undefined ? Promise.reject(new Error(path)) : (own ?? readFile(join(folder, file)));
    Promise.resolve(found).then(
      (bytes) => {
        response.setHeader('Content-Type', TYPES[extname(file)] ?? 'application/octet-stream');
        response.end(bytes);
      },
      () => {
        missing.push(path);
        response.statusCode = 404;
        response.end();
      },
    );
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}${below}`,
    missing: () => missing,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
