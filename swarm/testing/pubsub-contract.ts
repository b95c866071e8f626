/** What every PubSub must do, as tests. The rules stand with their ids in ../pubsub.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PubSub } from '../pubsub.ts';

export interface PubSubFixture {
  /** Three peers of one network, with `topics` allowed and joined by nobody. */
  readonly peers: readonly [PubSub, PubSub, PubSub];
  readonly topics: readonly [string, string];
  /** Resolves when every peer knows that all of them have joined the topic. */
  joined(topic: string): Promise<void>;
  /** Lets a little time pass. */
  pass(): Promise<void>;
  stop(): Promise<void>;
}

/** How often `eventually` looks before it gives up. */
const TRIES = 400;

/** Tests that a PubSub keeps the rules [PS-01] to [PS-05]. `start` makes a fresh network for each test. */
export function describePubSubContract(name: string, start: () => Promise<PubSubFixture>): void {
  describe(`${name} as a PubSub`, () => {
    let fixture: PubSubFixture;
    beforeEach(async () => {
      fixture = await start();
    });
    afterEach(() => fixture.stop());

    /** Joins a topic with every peer. Returns what each was handed, as text. */
    async function joinAll(topic: string): Promise<readonly string[][]> {
      const received = fixture.peers.map((peer) => {
        const texts: string[] = [];
        peer.join(topic, async (data, source) => {
          expect(source).not.toBe('');
          texts.push(textOf(data));
          return 'accept';
        });
        return texts;
      });
      await fixture.joined(topic);
      return received;
    }

    async function eventually(check: () => void): Promise<void> {
      for (let tries = 0; ; tries++) {
        try {
          return check();
        } catch (error) {
          if (tries >= TRIES) throw error;
          await fixture.pass();
        }
      }
    }

    it('[PS-01] hands a message to every other member of its topic, unchanged', async () => {
      const [topic] = fixture.topics;
      const received = await joinAll(topic);
      await fixture.peers[0].publish(topic, bytesOf('hello'));
      await eventually(() => expect(received).toEqual([[], ['hello'], ['hello']]));
    });

    it('[PS-02] hands no message to its sender, nor to members of another topic', async () => {
      const [topic, other] = fixture.topics;
      const received = await joinAll(topic);
      const elsewhere = await joinAll(other);
      await fixture.peers[0].publish(topic, bytesOf('one'));
      await fixture.peers[1].publish(other, bytesOf('two'));
      await eventually(() => expect(received).toEqual([[], ['one'], ['one']]));
      await eventually(() => expect(elsewhere).toEqual([['two'], [], ['two']]));
      await fixture.pass();
      expect(received).toEqual([[], ['one'], ['one']]);
      expect(elsewhere).toEqual([['two'], [], ['two']]);
    });

    it('[PS-03] hands nothing to a peer that has left, until it joins again', async () => {
      const [topic] = fixture.topics;
      const [publisher, member, leaver] = fixture.peers;
      const received: string[] = [];
      const left: string[] = [];
      const check = (texts: string[]) => async (data: Uint8Array) => {
        texts.push(textOf(data));
        return 'accept' as const;
      };
      publisher.join(topic, check([]));
      member.join(topic, check(received));
      const leave = leaver.join(topic, check(left));
      await fixture.joined(topic);
      leave();
      await publisher.publish(topic, bytesOf('while away'));
      await eventually(() => expect(received).toEqual(['while away']));
      await fixture.pass();
      expect(left).toEqual([]);
      leaver.join(topic, check(left));
      await fixture.joined(topic);
      await publisher.publish(topic, bytesOf('back'));
      await eventually(() => expect(left).toEqual(['back']));
    });

    it('[PS-04] resolves when it publishes to a topic without members', async () => {
      const [topic] = fixture.topics;
      await expect(fixture.peers[0].publish(topic, bytesOf('to nobody'))).resolves.toBeUndefined();
    });

    it('[PS-05] hands equal bytes to each member once, whoever sends them how often', async () => {
      const [topic] = fixture.topics;
      const received = await joinAll(topic);
      await fixture.peers[0].publish(topic, bytesOf('again'));
      await eventually(() => expect(received).toEqual([[], ['again'], ['again']]));
      await fixture.peers[0].publish(topic, bytesOf('again'));
      await fixture.peers[1].publish(topic, bytesOf('again'));
      await fixture.peers[0].publish(topic, bytesOf('last'));
      await eventually(() => expect(received[2]).toContain('last'));
      await fixture.pass();
      expect(received).toEqual([[], ['again', 'last'], ['again', 'last']]);
    });

    it('[PS-06] says that a topic is followed while a neighbour has joined it', async () => {
      const [topic, other] = fixture.topics;
      const leavers = fixture.peers.map((peer) => peer.join(topic, async () => 'accept'));
      await fixture.joined(topic);
      const [first] = fixture.peers;
      expect(first.isFollowed(topic)).toBe(true);
      expect(first.isFollowed(other)).toBe(false);
      for (const leave of leavers.slice(1)) leave();
      await eventually(() => expect(first.isFollowed(topic)).toBe(false));
    });
  });
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
