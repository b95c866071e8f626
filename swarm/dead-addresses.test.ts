import './node20.ts';
import { randomBytes } from 'node:crypto';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { createSwarmNode, type SwarmNode } from './node.ts';
import { nodeTransports } from './node-transports.ts';

const started: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0).reverse()) await stop();
});

async function startNode(options: Partial<Parameters<typeof createSwarmNode>[0]> = {}): Promise<SwarmNode> {
  const node = await createSwarmNode({
    privateKey: randomBytes(32),
    relays: [],
    topics: [],
    transports: nodeTransports(),
    loopback: true,
    ...options,
  });
  started.push(() => node.stop());
  return node;
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  started.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const newKey = (): string => deviceKey(randomBytes(32)).peerId;

describe('hellos of strangers, over TCP', () => {
  it('[P-130] do not keep a newcomer from connecting, though 200 name a silent port', async () => {
    let connections = 0;
    const silent = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined);
      started.push(() => socket.destroy());
    });
    const port = await portOf(silent);
    const honest = await startNode({ listen: ['/ip4/127.0.0.1/tcp/0'], degree: 0 });
    const newcomer = await startNode();
    const strangers = Array.from({ length: 200 }, newKey);
    const say = (): void => {
      for (const peerId of strangers) newcomer.learn(peerId, [`/ip4/127.0.0.1/tcp/${port}`], false);
      newcomer.learn(honest.peerId, honest.libp2p.getMultiaddrs().map(String), false);
    };
    say();
    const again = setInterval(say, 5_000);
    started.push(() => clearInterval(again));
    await vi.waitFor(() => expect(newcomer.degree()).toBe(1), { timeout: 60_000, interval: 50 });
    expect(connections).toBeGreaterThan(0);
    expect(connections).toBeLessThan(5);
  });

  it('[P-18] have a Node process send nothing to a web server of its machine', async () => {
    const heard: string[] = [];
    const server = createHttpServer((request, response) => {
      heard.push(`${request.method} ${request.url}`);
      response.end();
    });
    server.on('upgrade', (request, socket) => {
      heard.push(`upgrade ${request.url}`);
      socket.destroy();
    });
    server.on('connection', () => heard.push('connection'));
    const port = await portOf(server);
    const path = 'http-path/admin%2Freboot';
    const local = await startNode();
    for (const address of [`/tcp/${port}/ws/${path}`, `/tcp/${port}/${path}/ws`, `/tcp/${port}/ws`]) {
      local.learn(newKey(), [`/ip4/127.0.0.1${address}`], false);
    }
    // A node of a public network dials nothing on its machine at all, not even when libp2p is asked to.
    const publicNode = await startNode({ loopback: false });
    publicNode.learn(newKey(), [`/ip4/127.0.0.1/tcp/${port}`], false);
    for (const suffix of ['', '/ws']) {
      const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}${suffix}/p2p/${newKey()}`);
      await expect(publicNode.libp2p.dial(address)).rejects.toThrow(/denied/);
    }
    const reachable = await startNode({ listen: ['/ip4/127.0.0.1/tcp/0'], degree: 0 });
    // What comes last was dialled, so all before it had its turn.
    local.learn(reachable.peerId, reachable.libp2p.getMultiaddrs().map(String), false);
    await vi.waitFor(() => expect(local.degree()).toBe(1), { timeout: 60_000, interval: 50 });
    expect(heard).toEqual([]);
  });

  it('[P-132] have it try a port of its own machine that speaks no libp2p a few times, not once for each key', async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.on('error', () => undefined);
      socket.end('220 mail.example ESMTP\r\n');
    });
    const port = await portOf(server);
    const node = await startNode();
    for (let n = 0; n < 200; n++) node.learn(newKey(), [`/ip4/127.0.0.1/tcp/${port}`], false);
    await vi.waitFor(() => expect(connections).toBe(1), { timeout: 60_000, interval: 50 });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(connections).toBe(1);
  });
});
