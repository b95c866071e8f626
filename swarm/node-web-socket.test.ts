import './node20.ts';
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { topicsOf } from './network-id.ts';
import { createSwarmNode } from './node.ts';
import { nodeTransports } from './node-transports.ts';
import { startRelay } from './relay/relay.ts';

const networkId = 'web-socket-test:1';

describe('a member without a page', () => {
  it('reaches a relay that has an address for WebSocket alone', { timeout: 30_000 }, async () => {
    const relay = await startRelay({
      privateKey: randomBytes(32),
      networks: [networkId],
      ports: { tcp: null },
    });
    const addresses = relay.addresses.filter((address) => address.includes('/ws/'));
    const node = await createSwarmNode({
      privateKey: deviceKey(randomBytes(32)).secret,
      relays: addresses,
      topics: Object.values(topicsOf(networkId)),
      loopback: true,
      transports: nodeTransports(),
    });
    try {
      await vi.waitFor(
        () =>
          expect(node.libp2p.getConnections().map(({ remotePeer }) => String(remotePeer))).toContain(
            relay.peerId,
          ),
        { timeout: 15_000 },
      );
    } finally {
      await node.stop();
      await relay.stop();
    }
  });

  it('lives on when a relay refuses a dial that was given up', { timeout: 30_000 }, async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    // Without a listener, as libp2p leaves a socket behind. vitest reports what the process would end with.
    const socket = new WebSocket(`ws://127.0.0.1:${port}`);
    await vi.waitFor(() => expect(socket.readyState).toBe(WebSocket.CLOSED), { timeout: 15_000 });
  });
});
