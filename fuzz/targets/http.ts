/** HTTP that the processes answer: raw bytes on a connection, and never an answer that blames this side. */
import { createServer, STATUS_CODES } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { startRpcGuard } from '../../node/devnet/rpc-guard.ts';
import { startServeHttp } from '../../node/serve/http.ts';
import { bytesMutator } from '../mutate/bytes.ts';
import { jsonMutator } from '../mutate/json.ts';
import type { Mutator } from '../mutate/mutator.ts';
import { ACCEPTED, assert, bytesOf, type FuzzTarget, type Outcome, textOf } from '../target.ts';

const WORDS = [
  ...[
    'GET ',
    'POST ',
    'HEAD ',
    'OPTIONS ',
    'CONNECT ',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ' HTTP/1.1\r\n',
    ' HTTP/1.0\r\n',
  ],
  ...[
    'Host: localhost\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 5\r\n',
    'Content-Length: -1\r\n',
  ],
  ...[
    'Expect: 100-continue\r\n',
    'Connection: upgrade\r\nUpgrade: websocket\r\n',
    '\r\n\r\n',
    '\r\n',
    '0\r\n\r\n',
    ': ',
  ],
  ...[
    '/healthz',
    '/metrics',
    '/turn-credentials',
    '//',
    '/%00',
    '/..%2f',
    '?',
    'http://evil/',
    '*',
    '\0',
    '\x80',
  ],
  ...['Origin: null\r\n', 'Content-Type: application/json\r\n', 'X-Forwarded-For: 1,,\r\n', 'Cookie: a\r\n'],
];

/** What came back for these bytes on a connection of their own, until the server closed it. */
function answerTo(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('data', (data) => {
      text += data.toString('latin1');
    });
    // A server may close before it has read everything.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(text));
    socket.end(bytes);
  });
}

/** The statuses of all answers, and whether none of them is a fault of the server. */
function statusesOf(text: string): readonly number[] {
  return [...text.matchAll(/(?:^|\n)HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status));
}

function outcomeOf(statuses: readonly number[]): Outcome {
  if (statuses.some((status) => status >= 200 && status < 300)) return ACCEPTED;
  return { kind: 'refused', why: statuses.map((status) => STATUS_CODES[status]).join(' ') };
}

const serve: FuzzTarget = {
  name: 'node/serve-http',
  about: 'raw requests to serve’s HTTP: no answer of 500 or more, and an honest request is answered after it',
  mutator: bytesMutator(WORDS),
  maxBytes: 20_000,
  shortInputs: 150,
  async open() {
    const server = await startServeHttp({
      ...{ host: '127.0.0.1', port: 0, behindProxy: true, origin: undefined, now: () => performance.now() },
      health: () => ({ broken: [], warnings: [] }),
      metrics: async () => 'up 1\n',
      turn: () => ({ username: '1:starling', credential: 'secret', ttl: 60 }),
    });
    const port = Number(new URL(server.url).port);
    const honest = bytesOf('GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    return {
      seeds: [
        textOf(honest),
        'GET /metrics?a=b HTTP/1.1\r\nHost: localhost\r\n\r\nGET /turn-credentials HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\nConnection: close\r\n\r\n',
        'POST /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
      ].map(bytesOf),
      async attempt(input) {
        const statuses = statusesOf(await answerTo(port, input));
        assert(
          statuses.every((status) => status < 500),
          `It answered ${statuses.join(' ')}.`,
        );
        assert(
          statusesOf(await answerTo(port, honest))[0] === 200,
          'An honest request is not answered any more.',
        );
        return outcomeOf(statuses);
      },
      close: () => server.stop(),
    };
  },
};

/** Changes a request as bytes, or its JSON body with the length that it has then. */
const requestMutator: Mutator = (() => {
  const bytes = bytesMutator(WORDS);
  const json = jsonMutator(['eth_chainId', 'anvil_reset', 'method', 'id', 'params', 'jsonrpc', 'evm_mine']);
  return {
    mutate(options) {
      const text = textOf(options.input);
      const at = text.indexOf('\r\n\r\n');
      if (at < 0 || options.draws.chance(30)) return bytes.mutate(options);
      const body = json.mutate({ ...options, input: bytesOf(text.slice(at + 4)), donor: options.donor });
      const head = text.slice(0, at).replace(/Content-Length: \d+/, `Content-Length: ${body.length}`);
      const made = Uint8Array.from([...bytesOf(`${head}\r\n\r\n`), ...body]);
      return made.length > options.maxBytes ? options.input : made;
    },
  };
})();

const guard: FuzzTarget = {
  name: 'node/rpc-guard',
  about:
    'raw requests to a development node’s guard: only known methods pass, in the words that were checked',
  mutator: requestMutator,
  maxBytes: 20_000,
  shortInputs: 120,
  async open() {
    let passed: string[] = [];
    const upstream = createServer((request, response) => {
      let body = '';
      request.on('data', (data: Buffer) => {
        body += data.toString('utf8');
      });
      request.on('end', () => {
        passed.push(body);
        response.setHeader('Content-Type', 'application/json');
        response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    const { port: upstreamPort } = upstream.address() as AddressInfo;
    const origins = ['http://localhost:5173'];
    const server = await startRpcGuard({ upstream: `http://127.0.0.1:${upstreamPort}`, port: 0, origins });
    const port = Number(new URL(server.url).port);
    const request = (body: string, more = ''): string =>
      `POST / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    const call = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}';
    return {
      seeds: [
        request(call),
        request(`[${call},{"id":2,"method":"eth_call","params":[{"to":"0x1"},"latest"]}]`),
        request(call, 'Origin: http://localhost:5173\r\n'),
        `OPTIONS / HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: http://localhost:5173\r\nConnection: close\r\n\r\n`,
        request('{"id":1,"method":"anvil_reset","method":"eth_chainId"}'),
        request('{"id":1,"method":"eth_chainId","Method":"anvil_reset"}'),
      ].map(bytesOf),
      async attempt(input) {
        passed = [];
        const statuses = statusesOf(await answerTo(port, input));
        assert(
          statuses.every((status) => status < 500),
          `It answered ${statuses.join(' ')}.`,
        );
        for (const body of passed) {
          const calls = [JSON.parse(body)].flat() as readonly Readonly<Record<string, unknown>>[];
          for (const call of calls) {
            assert(
              Object.keys(call).every((key) => ['jsonrpc', 'id', 'method', 'params'].includes(key)),
              'A key passed that nobody checked.',
            );
            assert(!/^(?:anvil|evm|hardhat|debug|txpool)_/.test(String(call.method)), 'A command passed.');
          }
          assert(JSON.stringify(JSON.parse(body)) === body, 'Other words passed than were checked.');
        }
        return outcomeOf(statuses);
      },
      async close() {
        await server.stop();
        await new Promise((resolve) => {
          upstream.close(resolve);
          upstream.closeAllConnections();
        });
      },
    };
  },
};

export const httpTargets: readonly FuzzTarget[] = [serve, guard];
