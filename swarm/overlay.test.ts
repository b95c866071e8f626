import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { deviceKey } from '../protocol/device-key.ts';
import { DialWorld, repeatableRandom } from './testing/dial-world.ts';

const PEERS = Array.from({ length: 260 }, (_, i) => {
  const secret = new Uint8Array(32).fill(1);
  new DataView(secret.buffer).setUint16(0, i + 1);
  return deviceKey(secret).peerId;
}).sort();
const [FIRST = '', SECOND = ''] = PEERS;
/** The smallest id, so that it dials at once. */
const SELF = FIRST;
const HONEST = PEERS[1] ?? '';
const STRANGERS = PEERS.slice(2, 202);
const [RELAY = '', NEIGHBOUR = ''] = PEERS.slice(202);
const addressOf = (n: number): string => `/ip4/198.51.100.${n}/tcp/4001`;
const HONEST_ADDRESS = '/ip4/203.0.113.5/tcp/4001';
const DEAD = '/ip4/192.0.2.1/tcp/9';

/** A world in which peers 1, 2, … listen at addresses of their own, and the overlay has heard of all. */
function worldOf(peers: readonly string[], self = SELF): DialWorld {
  const world = new DialWorld(self);
  for (const [n, peerId] of peers.entries()) {
    world.listen(addressOf(n), peerId);
    world.overlay.learn(peerId, [addressOf(n)]);
  }
  return world;
}

describe('Overlay', () => {
  it('[P-11] dials until it has 6 direct connections', async () => {
    const world = worldOf(PEERS.slice(1, 12));
    await world.scheduler.advance(20_000);
    expect(world.overlay.degree()).toBe(6);
    expect(world.dials).toHaveLength(6);
  });

  it('[P-11] opens 3 connections of its own choice, however many strangers have connected to it', async () => {
    const world = worldOf(PEERS.slice(1, 12));
    for (const peerId of PEERS.slice(100, 140)) world.connect(peerId);
    await world.scheduler.advance(20_000);
    expect(world.dials).toHaveLength(3);
  });

  it('[P-12] dials at once with the smaller PeerId, and after 8 s with the greater', async () => {
    const [smaller, greater] = [worldOf([SECOND], FIRST), worldOf([FIRST], SECOND)];
    await smaller.scheduler.advance(1_000);
    expect(smaller.dials).toHaveLength(1);
    await greater.scheduler.advance(7_900);
    expect(greater.dials).toEqual([]);
    await greater.scheduler.advance(1_100);
    expect(greater.dials).toHaveLength(1);
  });

  it('[P-12] does not dial a peer that has connected within the 8 s', async () => {
    const world = worldOf([FIRST], SECOND);
    world.connect(FIRST);
    await world.scheduler.advance(20_000);
    expect(world.dials).toEqual([]);
  });

  it('[P-13] closes the newer of two connections with the smaller PeerId, and neither with the greater', async () => {
    for (const [self, peer, left] of [
      [FIRST, SECOND, [0]],
      [SECOND, FIRST, [0, 100]],
    ] as const) {
      const world = new DialWorld(self);
      world.connect(peer, 'outbound');
      await world.scheduler.advance(100);
      world.connect(peer, 'inbound');
      await world.scheduler.advance(10_000);
      expect(world.opened(peer)).toEqual(left);
    }
  });

  describe('[P-13] a peer that has begun anew', () => {
    const both = [
      [FIRST, SECOND],
      [SECOND, FIRST],
    ] as const;

    it('opens a second connection, and the older one is closed at once', async () => {
      for (const [self, peer] of both) {
        const world = new DialWorld(self);
        world.connect(peer, 'inbound');
        await world.scheduler.advance(100);
        world.connect(peer, 'inbound');
        expect(world.opened(peer)).toEqual([100]);
      }
    });

    it('opens one long after this node has', async () => {
      for (const [self, peer] of both) {
        const world = new DialWorld(self);
        world.connect(peer, 'outbound');
        await world.scheduler.advance(61_000);
        world.connect(peer, 'inbound');
        expect(world.opened(peer)).toEqual([61_000]);
      }
    });

    it('begins anew once in 10 s at most, so that two machines with one key do not take turns for ever', async () => {
      const world = new DialWorld(SECOND);
      for (const at of [0, 1_000, 2_000]) {
        await world.scheduler.advance(at - world.scheduler.now());
        world.connect(FIRST, 'inbound');
      }
      expect(world.opened(FIRST)).toEqual([1_000, 2_000]);
      await world.scheduler.advance(9_000);
      world.connect(FIRST, 'inbound');
      expect(world.opened(FIRST)).toEqual([11_000]);
    });

    it('is not one that this node dialled, nor another peer, nor one behind a relay', async () => {
      const world = new DialWorld(SECOND);
      world.connect(FIRST, 'inbound');
      await world.scheduler.advance(70_000);
      world.connect(FIRST, 'outbound');
      expect(world.opened(FIRST)).toEqual([0, 70_000]);
      const other = new DialWorld(SECOND);
      other.connect(FIRST, 'inbound');
      other.connect(HONEST, 'inbound');
      expect(other.opened(FIRST)).toEqual([0]);
    });
  });

  describe('among 200 hellos with dead addresses', () => {
    /** Time in ms to the honest peer, whose hello comes last. */
    async function timeToHonest(
      world: DialWorld,
      dead: (n: number) => readonly string[],
      { source, honestSource }: { readonly source?: string; readonly honestSource?: string } = {},
    ): Promise<number> {
      world.listen(HONEST_ADDRESS, HONEST);
      const say = (): void => {
        for (const [n, peerId] of STRANGERS.entries()) world.overlay.learn(peerId, dead(n), source);
        world.overlay.learn(HONEST, [HONEST_ADDRESS], honestSource ?? source);
      };
      say();
      let spent = 0;
      while (!world.overlay.isDirect(HONEST) && spent < 120_000) {
        spent += await world.until(() => world.overlay.isDirect(HONEST), 10_000);
        say();
      }
      return spent;
    }

    it.each([
      ['one silent port', () => [DEAD]],
      ['200 silent ports of one machine', (n: number) => [`/ip4/192.0.2.1/tcp/${n + 1}`]],
      ['200 machines of one prefix', (n: number) => [`/ip4/192.0.2.${n}/tcp/9`]],
      [
        '8 silent addresses each',
        (n: number) => Array.from({ length: 8 }, (_, i) => `/ip4/192.0.2.${i}/tcp/${n + 1}`),
      ],
      ['the honest peer’s own address', () => [HONEST_ADDRESS]],
    ])('[P-130] reaches the honest peer within 15 s: %s', async (_, dead) => {
      for (const seed of [1, 2, 3]) {
        const world = new DialWorld(SELF, { random: repeatableRandom(seed) });
        expect(await timeToHonest(world, dead)).toBeLessThan(15_000);
      }
    });

    it('[P-130] reaches it within 15 s among 200 prefixes, when another neighbour passed its hello on', async () => {
      const world = new DialWorld(SELF);
      const spent = await timeToHonest(world, (n) => [`/ip4/198.${n}.9.1/tcp/9`], {
        source: RELAY,
        honestSource: NEIGHBOUR,
      });
      expect(spent).toBeLessThan(15_000);
    });

    it('[P-130] reaches it within 15 s among 200 prefixes, when the chain knows it', async () => {
      const world = new DialWorld(SELF, {
        standingOf: (peerId) => ({ kind: peerId === HONEST ? 'known' : 'unknown' }),
      });
      expect(await timeToHonest(world, (n) => [`/ip4/198.${n}.9.1/tcp/9`])).toBeLessThan(15_000);
    });

    it('[P-131] makes 4 dials at once, and gives each 5 s to the handshake', async () => {
      const world = new DialWorld(SELF);
      for (const [n, peerId] of STRANGERS.entries()) world.overlay.learn(peerId, [`/ip4/198.${n}.9.1/tcp/9`]);
      await world.scheduler.advance(4_900);
      expect(world.dials).toHaveLength(4);
      await world.scheduler.advance(4_000);
      expect(world.dials).toHaveLength(8);
      expect(world.mostAtOnce).toBe(4);
    });
  });

  describe('to what is no peer', () => {
    it('[P-132] dials a silent endpoint less and less often, however many keys name it', async () => {
      const world = new DialWorld(SELF);
      for (let n = 0; n < 60; n++) {
        for (const peerId of STRANGERS) world.overlay.learn(peerId, [DEAD]);
        await world.scheduler.advance(10_000);
      }
      expect(world.dials.length).toBeLessThan(12);
    });

    it('[P-132] dials a machine whose ports all refuse at most 8 times and then twice a minute', async () => {
      const world = new DialWorld(SELF);
      for (let port = 1; port <= 5_000; port++) world.refuse(`/ip4/192.0.2.1/tcp/${port}`);
      for (let minute = 0; minute < 10; minute++) {
        for (const [n, peerId] of STRANGERS.entries()) {
          world.overlay.learn(peerId, [`/ip4/192.0.2.1/tcp/${minute * 200 + n + 1}`]);
        }
        await world.scheduler.advance(60_000);
      }
      expect(world.dials.length).toBeLessThan(8 + 2 * 10 + 4);
    });

    it('[P-132] makes at most 16 dials at once and 4 a second for new keys, to all machines together', async () => {
      const world = new DialWorld(SELF);
      for (const [n, peerId] of STRANGERS.entries()) {
        const addresses = Array.from({ length: 8 }, (_, i) => `/ip4/198.${n}.${i}.1/tcp/9`);
        for (const address of addresses) world.refuse(address);
        world.overlay.learn(peerId, addresses);
      }
      await world.scheduler.advance(10_000);
      expect(world.dials.length).toBeLessThanOrEqual(16 + 4 * 10);
      expect(world.dials.length).toBeGreaterThan(40);
    });

    it('[P-132] does not forget a failure when 1,000 other keys have pushed the peer out', async () => {
      const world = new DialWorld(SELF);
      const [stranger = ''] = STRANGERS;
      world.refuse(DEAD);
      world.overlay.learn(stranger, [DEAD]);
      await world.scheduler.advance(100);
      expect(world.dials).toHaveLength(1);
      for (let n = 0; n < 1_000; n++) {
        const secret = new Uint8Array(32).fill(2);
        new DataView(secret.buffer).setUint16(0, n + 1);
        world.overlay.learn(deviceKey(secret).peerId, []);
      }
      world.overlay.learn(stranger, [DEAD]);
      await world.scheduler.advance(2_000);
      expect(world.dials).toHaveLength(1);
    });

    it('[P-132] closes a connection to somebody of whom it has no hello, and does not come back soon', async () => {
      const world = new DialWorld(SELF);
      const [liar = '', bystander = ''] = STRANGERS;
      world.listen(DEAD, bystander);
      for (let n = 0; n < 6; n++) {
        world.overlay.learn(liar, [DEAD]);
        await world.scheduler.advance(1_000);
        expect(world.opened(bystander)).toEqual([]);
      }
      expect(world.dials.length).toBeLessThan(3);
    });

    it('[P-18] dials no private address that a stranger names, nor lets libp2p dial one', async () => {
      const world = new DialWorld(SELF);
      const texts = ['/ip4/192.168.1.1/tcp/80', '/ip4/127.0.0.1/tcp/8545', '/ip4/203.0.113.5/tcp/80/ws'];
      for (const [n, text] of texts.entries()) {
        world.overlay.learn(STRANGERS[n] ?? '', [text]);
        expect(world.overlay.allows(multiaddr(`${text}/p2p/${STRANGERS[n]}`))).toBe(false);
      }
      await world.scheduler.advance(20_000);
      expect(world.dials).toEqual([]);
    });

    it('[P-18] dials a private address that a neighbour on the same private network names', async () => {
      const world = new DialWorld(SELF);
      world.connect(NEIGHBOUR, 'inbound', '/ip4/192.168.1.7/tcp/4001');
      world.overlay.learn(HONEST, ['/ip4/192.168.1.9/tcp/4001'], NEIGHBOUR);
      await world.scheduler.advance(1_000);
      expect(world.dials.map(({ address }) => address)).toEqual(['/ip4/192.168.1.9/tcp/4001']);
    });

    it('[P-132] lets libp2p by itself dial one machine at most 8 times at once', () => {
      const world = new DialWorld(SELF);
      const allowed = Array.from({ length: 40 }, (_, n) =>
        world.overlay.allows(multiaddr(`/ip4/203.0.113.5/tcp/${n + 1}/p2p/${STRANGERS[0]}`)),
      );
      expect(allowed.filter((allows) => allows)).toHaveLength(8);
    });
  });

  describe('with a relay', () => {
    const isRelay = (peerId: string): boolean => peerId === RELAY;
    const webrtcTo = (peerId: string): string => `/p2p/${RELAY}/p2p-circuit/webrtc/p2p/${peerId}`;

    it('[P-133] keeps a connection to a peer that the relay did not choose', async () => {
      const world = new DialWorld(SELF, { isRelay });
      const chosen = STRANGERS.slice(0, 20);
      for (const [n, peerId] of chosen.entries()) {
        world.listen(addressOf(n), peerId);
        world.overlay.learn(peerId, [addressOf(n)], RELAY);
      }
      await world.scheduler.advance(20_000);
      expect(world.overlay.degree()).toBe(6);
      world.listen(HONEST_ADDRESS, HONEST);
      world.overlay.learn(HONEST, [HONEST_ADDRESS], NEIGHBOUR);
      await world.scheduler.advance(20_000);
      expect(world.overlay.isDirect(HONEST)).toBe(true);
      expect(world.overlay.degree()).toBe(7);
    });

    it('[P-18] has handshakes go only through a relay that it is connected to, by its own way', async () => {
      const world = new DialWorld(SELF, { isRelay });
      const through = webrtcTo(HONEST);
      world.overlay.learn(HONEST, [`/ip4/127.0.0.1/tcp/22${through}`]);
      await world.scheduler.advance(5_000);
      expect(world.dials).toEqual([]);
      world.connect(RELAY, 'outbound');
      await world.scheduler.advance(1_000);
      expect(world.dials.map(({ address }) => address)).toEqual([through]);
    });

    it('[P-131] begins one handshake through a relay at a time, and the next when it is silent for 1.5 s', async () => {
      const world = new DialWorld(SELF, { isRelay });
      world.connect(RELAY, 'outbound');
      for (const peerId of STRANGERS.slice(0, 8)) world.overlay.learn(peerId, [webrtcTo(peerId)]);
      await world.scheduler.advance(9_000);
      expect(world.dials.map(({ at }) => Math.round(at / 500) / 2)).toEqual([0, 1.5, 3, 4.5]);
    });

    it('[P-131] gives a WebRTC connection 5 s before the next is begun, and 15 s in all', async () => {
      const world = new DialWorld(SELF, { isRelay, random: () => 0 });
      world.connect(RELAY, 'outbound');
      for (const peerId of STRANGERS.slice(0, 6)) {
        world.onlyShakeHands(webrtcTo(peerId));
        world.overlay.learn(peerId, [webrtcTo(peerId)]);
      }
      await world.scheduler.advance(24_000);
      const [first = ''] = world.dials.map(({ address }) => address);
      expect(world.dials.map(({ at }) => Math.round(at / 1_000))).toEqual([0, 5, 10, 15, 20]);
      expect(world.mostAtOnce).toBe(3);
      expect(world.dials.filter(({ address }) => address === first)).toHaveLength(2);
    });

    it('[P-131] gives a busy tab longer with each try, up to 20 s to its handshake', async () => {
      const world = new DialWorld(SELF, { isRelay, random: () => 0.5 });
      world.connect(RELAY, 'outbound');
      for (let n = 0; n < 15; n++) {
        world.overlay.learn(HONEST, [webrtcTo(HONEST)]);
        await world.scheduler.advance(10_000);
      }
      const gaps = world.dials.slice(1, 4).map(({ at }, n) => at - (world.dials[n]?.at ?? 0));
      // The time to the handshake, then the backoff of the key: 3, 6 and 12 s.
      const expected = [10_000 + 3_000, 20_000 + 6_000, 20_000 + 12_000];
      for (const [n, gap] of gaps.entries()) expect(Math.abs(gap - (expected[n] ?? 0))).toBeLessThan(600);
    });
  });

  it('[P-197] holds 4 connections within its cohort besides others, while that is a part of the swarm', async () => {
    const near = new Set(PEERS.slice(30, 36));
    const world = new DialWorld(SELF, { isNear: (peerId) => near.has(peerId) });
    for (const [n, peerId] of PEERS.slice(1, 36).entries()) {
      world.listen(addressOf(n), peerId);
      world.overlay.learn(peerId, [addressOf(n)]);
    }
    for (const peerId of PEERS.slice(100, 106)) world.connect(peerId);
    await world.scheduler.advance(20_000);
    const nearest = [...near].filter((peerId) => world.overlay.isDirect(peerId));
    expect(nearest.length).toBeGreaterThanOrEqual(4);
    expect(world.overlay.degree()).toBe(10);
  });
});
