import '../node20.ts';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { topicsOf } from '../network-id.ts';
import { createSwarmNode, type SwarmNode } from '../node.ts';
import { nodeTransports } from '../node-transports.ts';
import { TEST_CERTIFICATE } from '../testing/certificate.ts';
import { type Relay, startRelay } from './relay.ts';

const NETWORK = 'relay-test:1';

describe('startRelay', () => {
  const started: (Relay | SwarmNode)[] = [];
  afterEach(async () => {
    await Promise.all(started.splice(0).map((one) => one.stop()));
  });

  async function start(options: Partial<Parameters<typeof startRelay>[0]> = {}): Promise<Relay> {
    const relay = await startRelay({ privateKey: randomBytes(32), networks: [NETWORK], ...options });
    started.push(relay);
    return relay;
  }

  it('has the same address after a restart with the same key and ports', async () => {
    const privateKey = randomBytes(32);
    const first = await startRelay({ privateKey, networks: [NETWORK], ports: { tcp: null } });
    const port = Number(/\/tcp\/(\d+)\/ws/.exec(first.addresses[0] ?? '')?.[1]);
    await first.stop();
    const second = await start({ privateKey, ports: { tcp: null, ws: port } });
    expect(second.addresses).toEqual(first.addresses);
    expect(second.peerId).toBe(deviceKey(privateKey).peerId);
  });

  it('says that a port is taken', async () => {
    const first = await start({ ports: { tcp: null } });
    const port = Number(/\/tcp\/(\d+)\/ws/.exec(first.addresses[0] ?? '')?.[1]);
    await expect(
      startRelay({ privateKey: randomBytes(32), networks: [NETWORK], ports: { tcp: null, ws: port } }),
    ).rejects.toThrow();
  });

  it('takes WebSocket over TLS with a certificate, and only so', async () => {
    const relay = await start({ ports: { tcp: null }, certificate: TEST_CERTIFICATE });
    const port = Number(/\/tcp\/(\d+)\/tls\/ws/.exec(relay.addresses[0] ?? '')?.[1]);
    const upgrade = [
      ...['GET / HTTP/1.1', 'Host: relay.test', 'Connection: Upgrade', 'Upgrade: websocket'],
      ...['Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
    ].join('\r\n');
    const answer = await new Promise<string>((resolve, reject) => {
      // Its own key signed it, so that it is the authority too.
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'relay.test',
        ca: TEST_CERTIFICATE.cert,
      });
      socket.once('secureConnect', () => socket.write(upgrade));
      socket.once('data', (data) => {
        resolve(data.toString());
        socket.destroy();
      });
      socket.once('error', reject);
    });
    expect(answer).toContain('101 Switching Protocols');
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow();
  });

  it('passes on its network, and refuses what is no message of theirs', async () => {
    const relay = await start({ ports: { ws: null } });
    const { rounds, presence } = topicsOf(NETWORK);
    const node = await createSwarmNode({
      privateKey: randomBytes(32),
      relays: relay.addresses,
      topics: [rounds, presence],
      transports: nodeTransports(),
    });
    started.push(node);
    node.pubsub.join(rounds, async () => 'accept');
    await vi.waitFor(
      async () => {
        await node.pubsub.publish(rounds, randomBytes(50));
        expect(relay.rejected.get('malformed')).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 200 },
    );
    expect(relay.connections()).toBe(1);
  });
});
