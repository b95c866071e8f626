/** A web server for tests, with every bad habit that a download must handle. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ServedFile {
  bytes: Uint8Array;
  etag?: string | undefined;
  linkedTag?: string;
  type?: string;
}

export interface ServerHabits {
  /** Answers Range requests with the whole file. */
  ignoresRange?: boolean;
  /** Answers with a range although If-Range does not match. */
  ignoresIfRange?: boolean;
  /** Sends no content-length. */
  hidesLength?: boolean;
  /** Breaks the connection after this many bytes of a body, this many times. */
  breaks?: { after: number; times: number };
  /**
   * Permits pages of other origins to read. `ranges` also permits conditional range requests, which need a
   * preflight.
   */
  cors?: 'plain' | 'ranges';
  /** Sends this many bytes of this file and then nothing, with the connection open. */
  holds?: { after: number; file: string };
  /** Answers this page, and 200, for every file that it does not have. */
  page?: string;
  /** Answers with this status, this many times. */
  fails?: { status: number; times: number };
}

export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  readonly files: Map<string, ServedFile>;
  readonly habits: ServerHabits;
  /** "name range" of each request, in order. */
  readonly requests: string[];
}

export async function startModelServer(files: Record<string, Uint8Array>): Promise<ModelServer> {
  const served = new Map<string, ServedFile>(
    Object.entries(files).map(([name, bytes]) => [name, { bytes, etag: `"${name}-1"` }]),
  );
  const habits: ServerHabits = {};
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    const { range } = request.headers;
    if (habits.cors !== undefined) {
      response.setHeader('access-control-allow-origin', '*');
      response.setHeader('access-control-expose-headers', 'etag, content-range, x-linked-etag');
      if (habits.cors === 'ranges') response.setHeader('access-control-allow-headers', 'range, if-range');
    }
    if (request.method === 'OPTIONS') {
      response.writeHead(204).end();
      return;
    }
    requests.push(`${name} ${range ?? 'all'}`);
    if (habits.fails !== undefined && habits.fails.times > 0) {
      habits.fails.times -= 1;
      response.writeHead(habits.fails.status).end();
      return;
    }
    const file = served.get(name);
    if (file === undefined && habits.page !== undefined) {
      response.writeHead(200, { 'content-type': 'text/html' }).end(habits.page);
      return;
    }
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { bytes, etag, linkedTag, type } = file;
    const ifRange = request.headers['if-range'];
    const first = Number(/^bytes=([0-9]+)-$/.exec(range ?? '')?.[1] ?? Number.NaN);
    const ranged =
      habits.ignoresRange !== true &&
      !Number.isNaN(first) &&
      (habits.ignoresIfRange === true || ifRange === undefined || ifRange === etag);
    const headers: Record<string, string> = {};
    if (type !== undefined) headers['content-type'] = type;
    if (etag !== undefined) headers.etag = etag;
    if (linkedTag !== undefined) headers['x-linked-etag'] = linkedTag;
    if (ranged && first >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const body = ranged ? bytes.subarray(first) : bytes;
    if (ranged) headers['content-range'] = `bytes ${first}-${bytes.length - 1}/${bytes.length}`;
    if (habits.hidesLength !== true) headers['content-length'] = String(body.length);
    response.writeHead(ranged ? 206 : 200, headers);
    if (habits.breaks !== undefined && habits.breaks.times > 0 && body.length > habits.breaks.after) {
      habits.breaks.times -= 1;
      response.write(body.subarray(0, habits.breaks.after), () => response.destroy());
      return;
    }
    if (habits.holds !== undefined && habits.holds.file === name && body.length > habits.holds.after) {
      response.write(body.subarray(0, habits.holds.after));
      return;
    }
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/model`,
    files: served,
    habits,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
