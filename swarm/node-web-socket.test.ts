import './node20.ts';
import { randomBytes } from 'node:crypto';
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
});
