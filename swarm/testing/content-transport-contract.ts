/**
 * What every ContentTransport must do, as tests. The rules stand with their ids in ../content/transport.ts.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { MAX_RESPONSE } from '../content/frames.ts';
import type { Channel, ContentTransport } from '../content/transport.ts';

export interface ContentTransportFixture {
  /** Two peers that reach one another. Neither serves yet. */
  readonly client: ContentTransport;
  readonly clientId: string;
  readonly server: ContentTransport;
  readonly serverId: string;
  stop(): Promise<void>;
}

/**
 * Tests that a transport keeps the rules [CT-01] to [CT-05]. `start` makes a fresh pair of peers for each
 * test.
 */
export function describeContentTransportContract(
  name: string,
  start: () => Promise<ContentTransportFixture>,
): void {
  describe(`${name} as a ContentTransport`, () => {
    let fixture: ContentTransportFixture;
    const { signal } = new AbortController();
    beforeEach(async () => {
      fixture = await start();
    });
    afterEach(() => fixture.stop());

    /** Serves by sending every frame back. Returns the channels that were opened. */
    async function echo(): Promise<readonly Channel[]> {
      const channels: Channel[] = [];
      await fixture.server.serve(async (channel) => {
        channels.push(channel);
        try {
          for (;;) await channel.write(await channel.read(signal), signal);
        } catch {
          channel.close();
        }
      });
      return channels;
    }

    it('[CT-01] carries frames whole and in order, both ways, up to the largest', async () => {
      await echo();
      const channel = await fixture.client.open(fixture.serverId, signal);
      const frames = [1, 2, 70_000, MAX_RESPONSE].map((length, i) => new Uint8Array(length).fill(i + 1));
      for (const frame of frames) {
        await channel.write(frame, signal);
        expect(equalBytes(await channel.read(signal), frame)).toBe(true);
      }
      for (const frame of frames.slice(0, 3)) await channel.write(frame, signal);
      for (const frame of frames.slice(0, 3)) {
        expect(equalBytes(await channel.read(signal), frame)).toBe(true);
      }
      channel.close();
    });

    it('[CT-02] names the peer at the other end, and keeps channels apart', async () => {
      const served = await echo();
      const channels = await Promise.all([1, 2].map(() => fixture.client.open(fixture.serverId, signal)));
      for (const [index, channel] of channels.entries()) {
        expect(channel.peerId).toBe(fixture.serverId);
        await channel.write(Uint8Array.of(index), signal);
      }
      for (const [index, channel] of channels.entries()) {
        expect([...(await channel.read(signal))]).toEqual([index]);
        channel.close();
      }
      expect(served.map(({ peerId }) => peerId)).toEqual([fixture.clientId, fixture.clientId]);
    });

    it('[CT-03] rejects a read when the other side has closed, after the frames before', async () => {
      await fixture.server.serve(async (channel) => {
        await channel.read(signal);
        await channel.write(Uint8Array.of(7), signal);
        channel.close();
      });
      const channel = await fixture.client.open(fixture.serverId, signal);
      await channel.write(Uint8Array.of(1), signal);
      expect([...(await channel.read(signal))]).toEqual([7]);
      await expect(channel.read(signal)).rejects.toThrow();
      channel.close();
    });

    it('[CT-04] rejects to open and to read when the signal aborts', async () => {
      await fixture.server.serve(() => new Promise(() => {}));
      await expect(fixture.client.open(fixture.serverId, AbortSignal.abort())).rejects.toThrow();
      const channel = await fixture.client.open(fixture.serverId, signal);
      const cancel = new AbortController();
      const reading = channel.read(cancel.signal);
      cancel.abort();
      await expect(reading).rejects.toThrow();
      channel.close();
    });

    it('[CT-05] rejects to open a channel to a peer that does not serve, or no longer', async () => {
      await expect(fixture.client.open(fixture.serverId, signal)).rejects.toThrow();
      const stop = await fixture.server.serve(async (channel) => channel.close());
      (await fixture.client.open(fixture.serverId, signal)).close();
      await stop();
      await expect(fixture.client.open(fixture.serverId, signal)).rejects.toThrow();
    });
  });
}
