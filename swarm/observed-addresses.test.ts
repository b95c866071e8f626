import './node20.ts';
import { randomBytes } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { createSwarmNode } from './node.ts';
import { nodeTransports } from './node-transports.ts';

const PEER = '16Uiu2HAkuvPSLE6f1CXMzV2SiFmixX7k7zhyZ8eKfvfmpaJ2yUbK';

describe('a swarm node', () => {
  it('survives the confirmation and the removal of an address that leads through a peer', async () => {
    const node = await createSwarmNode({
      privateKey: randomBytes(32),
      relays: [],
      topics: [],
      loopback: true,
      transports: nodeTransports(),
    });
    const { addressManager } = (
      node.libp2p as unknown as {
        readonly components: {
          readonly addressManager: Readonly<
            Record<'confirmObservedAddr' | 'removeObservedAddr', (address: unknown) => void>
          >;
        };
      }
    ).components;
    const through = multiaddr(`/webrtc/p2p/${PEER}/p2p-circuit`);
    expect(() => addressManager.confirmObservedAddr(through)).not.toThrow();
    expect(() => addressManager.removeObservedAddr(through)).not.toThrow();
    await node.stop();
  });
});
