import { describe, expect, it } from 'vitest';
import { describeContentTransportContract } from '../testing/content-transport-contract.ts';
import { MemoryNetwork } from '../testing/memory-transport.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { stripedTransport } from './striped-transport.ts';

const { signal } = new AbortController();

describeContentTransportContract('stripedTransport without WebRTC', async () => {
  const network = new MemoryNetwork();
  const of = (name: string) => stripedTransport({ plain: network.transport(name), hasWebRTC: false });
  return {
    client: of('client'),
    clientId: 'client',
    server: of('server'),
    serverId: 'server',
    stop: async () => {},
  };
});

describe('stripedTransport', () => {
  it('[P-170] uses the plain stream where the other side has no WebRTC', async () => {
    const network = new MemoryNetwork();
    await stripedTransport({ plain: network.transport('server'), hasWebRTC: false }).serve(
      async (channel) => {
        await channel.write(await channel.read(signal), signal);
      },
    );
    const create = (): RTCPeerConnection => {
      throw new Error('No connection is asked for.');
    };
    const client = stripedTransport({ plain: network.transport('client'), hasWebRTC: true, create });
    const channel = await client.open('server', signal);
    await channel.write(Uint8Array.of(1, 2), signal);
    expect([...(await channel.read(signal))]).toEqual([1, 2]);
  });

  it('[P-170] opens a plain stream when the browser gives no further connection', async () => {
    const network = new MemoryNetwork();
    const asked: number[] = [];
    await network.transport('server').serve(async (stream) => {
      const [byte] = await stream.read(signal);
      asked.push(byte ?? -1);
      await stream.write(Uint8Array.of(byte ?? 0), signal);
      await stream.read(signal).then(
        (frame) => stream.write(frame, signal),
        () => stream.close(),
      );
    });
    const create = (): RTCPeerConnection => {
      throw new Error('Cannot create so many PeerConnections');
    };
    const client = stripedTransport({ plain: network.transport('client'), hasWebRTC: true, create });
    const channel = await client.open('server', signal);
    expect(asked).toEqual([1, 0]);
    await channel.write(Uint8Array.of(7), signal);
    expect([...(await channel.read(signal))]).toEqual([7]);
  });

  it('[P-170] serves on after a peer that sends no descriptions', async () => {
    const network = new MemoryNetwork();
    const served: string[] = [];
    await stripedTransport({ plain: network.transport('server'), hasWebRTC: true }).serve(
      async ({ peerId }) => {
        served.push(peerId);
      },
    );
    const liar = await network.transport('liar').open('server', signal);
    await liar.write(Uint8Array.of(1), signal);
    await liar.read(signal);
    await liar.write(new TextEncoder().encode('["v=1"]'), signal);
    await expect(liar.read(signal)).rejects.toThrow();
    await stripedTransport({ plain: network.transport('client'), hasWebRTC: false }).open('server', signal);
    await Promise.resolve();
    expect(served).toEqual(['client']);
  });

  it('[P-174] answers the 17th striping peer with a plain stream, and hangs up on a silent one', async () => {
    const network = new MemoryNetwork();
    const scheduler = new SimulatedScheduler();
    const transport = stripedTransport({
      plain: network.transport('server'),
      hasWebRTC: true,
      scheduler,
      create: () => {
        throw new Error('No offer comes, so no connection is made.');
      },
    });
    await transport.serve(() => new Promise(() => {}));
    const answers: (number | undefined)[] = [];
    for (let n = 0; n < 17; n++) {
      const stream = await network.transport(`peer ${n}`).open('server', signal);
      await stream.write(Uint8Array.of(1), signal);
      answers.push((await stream.read(signal))[0]);
    }
    expect(answers).toEqual([...Array.from({ length: 16 }, () => 1), 0]);

    const silent = await network.transport('silent').open('server', signal);
    const end = expect(silent.read(signal)).rejects.toThrow('ended');
    await scheduler.advance(20_000);
    await end;
  });
});
