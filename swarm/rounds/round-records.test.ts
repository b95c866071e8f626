import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import { type DeviceAddress, type Hex, toHex } from '../../protocol/hex.ts';
import type { ClockReading } from '../../protocol/ledger.ts';
import { selectionSecret } from '../../protocol/peer-selection.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import type { RolloutSet } from '../../protocol/trainer.ts';
import { commitmentOf } from '../messages/commitment.ts';
import type { Message } from '../messages/envelope.ts';
import type { Body, MessageType } from '../messages/message-types.ts';
import { encodeRollouts } from '../messages/rollouts.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { RoundRecords } from './round-records.ts';
import { ROUND_SETTINGS } from './round-settings.ts';

const NETWORK = 'records:1';
const ROUND = 5;
const SEED: Hex = `0x${'12'.repeat(32)}`;
const SALT: Hex = `0x${'5a'.repeat(32)}`;
const OWN = deviceKey(new Uint8Array(32).fill(1));
const KNOWN: Standing = { kind: 'known' };
const CONTEXT = { round: ROUND, seed: SEED, device: OWN.address };

/** A device without a key: whoever hands a message to the records has verified its signature. */
interface Peer {
  readonly address: DeviceAddress;
  /** 33 bytes in place of its public key. */
  readonly from: Uint8Array;
}

function peerOf(name: string, n: number): Peer {
  const bytes = sha256Of(new TextEncoder().encode(`${name} ${n}`));
  return { address: toHex(bytes.subarray(0, 20)), from: Uint8Array.of(2, ...bytes) };
}

const peersOf = (name: string, count: number): Peer[] =>
  Array.from({ length: count }, (_, n) => peerOf(name, n));

const setOf = ({ address: author }: Peer, text: string = author): RolloutSet => ({
  author,
  modelRoot: SEED,
  groups: [{ item: 0, completions: [{ text, tokens: [1], logprobs: [-0.5] }] }],
});

function message<T extends MessageType>({ address, from }: Peer, type: T, body: Body<T>): Message<T> {
  const signature = new Uint8Array(64);
  return {
    type,
    networkId: NETWORK,
    round: ROUND,
    seq: 1,
    from,
    author: address,
    body,
    signature,
    id: `${type} ${address}`,
  } as Message<T>;
}

/** Records of the device `own` in round 5, with whatever the chain says of others. */
function setUp(
  options: {
    readonly secret?: string;
    readonly objects?: ReadonlyMap<string, Uint8Array>;
    /** Whether a peer that lacks a set never answers. Defaults to false. */
    readonly silent?: boolean;
  } = {},
) {
  const { secret = '', objects = new Map(), silent = false } = options;
  const scheduler = new SimulatedScheduler();
  const standings = new Map<DeviceAddress, Standing>();
  const rejections: string[] = [];
  const fetched: string[] = [];
  const shown: DeviceAddress[] = [];
  let now: ClockReading = {
    round: ROUND,
    stage: 'answer',
    sinceStageStart: 100,
    untilStageEnd: 7_900,
    seed: SEED,
  };
  const records = new RoundRecords({
    device: OWN.address,
    clock: { read: () => now },
    content: {
      fetchObject: async (cid) => {
        fetched.push(cid);
        const bytes = objects.get(cid);
        if (bytes === undefined && silent) return new Promise<never>(() => {});
        if (bytes === undefined) throw new Error('Nobody has it.');
        return bytes;
      },
    },
    settings: ROUND_SETTINGS,
    standingOf: (device) => standings.get(device) ?? UNKNOWN,
    secretOf: (context) => selectionSecret(OWN, NETWORK, context),
    placeSecret: sha256Of(new TextEncoder().encode(secret)),
    reject: (reason) => rejections.push(reason),
    scheduler,
    onSelected: (_round, { author }) => shown.push(author),
    signal: new AbortController().signal,
  });
  function know(keys: readonly Peer[]): void {
    for (const { address } of keys) standings.set(address, KNOWN);
  }
  function commit(peer: Peer, set = setOf(peer)): void {
    const digest = commitmentOf(SALT, peer.address, encodeRollouts(set).cid);
    records.commit(message(peer, 'commit', { digest }));
  }
  function reveal(peer: Peer, set = setOf(peer), inline = true): void {
    const { cid } = encodeRollouts(set);
    records.reveal(message(peer, 'reveal', { salt: SALT, cid, rollouts: inline ? set : null }));
  }
  return {
    scheduler,
    records,
    rejections,
    fetched,
    shown,
    know,
    commit,
    reveal,
    at: (sinceStageStart: number) => {
      now = { ...now, sinceStageStart, untilStageEnd: 8_000 - sinceStageStart };
    },
    enter: (stage: ClockReading['stage']) => {
      now = { ...now, stage, sinceStageStart: 500, untilStageEnd: 4_500 };
    },
  };
}

const authorsOf = (peers: readonly { readonly author: DeviceAddress }[]) => peers.map(({ author }) => author);

describe('RoundRecords among strangers', () => {
  it('[P-83] hears every known device, though strangers come first and last with more keys than there are places', () => {
    const { records, know, commit, reveal, at } = setUp();
    const known = peersOf('known', 8);
    const strangers = peersOf('stranger', 1_200);
    know(known);
    for (const peer of strangers.slice(0, 1_100)) commit(peer);
    for (const peer of known) commit(peer);
    for (const peer of strangers.slice(1_100)) commit(peer);
    at(5_300);
    for (const peer of strangers) reveal(peer);
    for (const peer of known) reveal(peer);
    const heard = known.filter((peer) =>
      records.hasRevealed(ROUND, peer.address, encodeRollouts(setOf(peer)).cid),
    );
    expect(heard).toHaveLength(8);
    const selected = authorsOf(records.select('train', CONTEXT));
    expect(selected).toHaveLength(8);
    expect(
      selected.filter((author) => known.some(({ address }) => address === author)).length,
    ).toBeGreaterThanOrEqual(4);
  });

  it('[P-83] lets an unknown honest device in among others’ fresh keys for some receivers', () => {
    const honest = peerOf('honest', 0);
    const strangers = peersOf('stranger', 512);
    let heard = 0;
    for (let receiver = 0; receiver < 12; receiver++) {
      const { records, commit, reveal, at } = setUp({ secret: `receiver ${receiver}` });
      for (const peer of strangers) commit(peer);
      commit(honest);
      at(5_300);
      for (const peer of strangers) reveal(peer);
      reveal(honest);
      if (records.hasRevealed(ROUND, honest.address, encodeRollouts(setOf(honest)).cid)) heard++;
    }
    // It is one of 513 for 256 places. Before, the 257th author was heard by nobody.
    expect(heard).toBeGreaterThan(0);
    expect(heard).toBeLessThan(12);
  });

  it('[P-84] fetches only the sets that it selects, and goes on to the next when one cannot be had', async () => {
    const strangers = peersOf('stranger', 60);
    const objects = new Map(
      strangers.slice(0, 40).map((peer) => {
        const { cid, bytes } = encodeRollouts(setOf(peer));
        return [cid, bytes];
      }),
    );
    const { scheduler, records, commit, reveal, at, fetched, shown } = setUp({ objects });
    for (const peer of strangers) commit(peer);
    at(5_300);
    for (const peer of strangers) reveal(peer, setOf(peer), false);
    expect(fetched).toEqual([]);
    await scheduler.advance(1_000);
    expect(records.select('critique', CONTEXT)).toHaveLength(2);
    expect(records.select('train', CONTEXT)).toHaveLength(8);
    expect(fetched.length).toBeLessThanOrEqual(32);
    expect(new Set(shown).size).toBe(shown.length);
    expect(shown.length).toBeLessThanOrEqual(10);
    expect(new Set(fetched).size).toBe(fetched.length);
  });

  it.each([false, true])(
    '[P-84] fetches known devices’ sets after strangers named sets that nobody serves (silent: %s)',
    async (silent) => {
      const strangers = peersOf('stranger', 200);
      const known = peersOf('known', 4);
      const sets = known.map((peer) => encodeRollouts(setOf(peer)));
      const objects = new Map(sets.map(({ cid, bytes }) => [cid, bytes]));
      const { scheduler, records, know, commit, reveal, at } = setUp({ objects, silent });
      know(known);
      for (const peer of [...strangers, ...known]) commit(peer);
      at(5_300);
      for (const peer of strangers) reveal(peer, setOf(peer), false);
      await scheduler.advance(1_000);
      for (const peer of known) reveal(peer, setOf(peer), false);
      await scheduler.advance(300);
      const selected = authorsOf(records.select('train', CONTEXT));
      expect(new Set(selected)).toEqual(new Set(known.map(({ address }) => address)));
    },
  );

  it('[P-84] holds no more fetched sets than it selects, however the selection changes', async () => {
    const peers = peersOf('peer', 40);
    const sets = peers.map((peer) => encodeRollouts(setOf(peer)));
    const objects = new Map(sets.map(({ cid, bytes }) => [cid, bytes]));
    const { scheduler, records, commit, reveal, at, fetched } = setUp({ objects });
    for (const peer of peers) commit(peer);
    at(5_300);
    for (const peer of peers) {
      reveal(peer, setOf(peer), false);
      await scheduler.advance(300);
    }
    const here = peers.filter((peer, n) => records.hasRevealed(ROUND, peer.address, sets[n]?.cid ?? ''));
    expect(fetched.length).toBeGreaterThan(10);
    expect(here.length).toBeLessThanOrEqual(10);
    expect(here.length).toBeGreaterThanOrEqual(8);
    expect(records.select('train', CONTEXT)).toHaveLength(8);
  });

  it('[P-49] [P-84] does not take a fetched set that names another author', async () => {
    const [thief, victim] = [peerOf('thief', 0), peerOf('victim', 0)];
    const { cid, bytes } = encodeRollouts(setOf(victim));
    const { scheduler, records, commit, reveal, at, rejections } = setUp({
      objects: new Map([[cid, bytes]]),
    });
    commit(thief, setOf(victim));
    at(5_300);
    reveal(thief, setOf(victim), false);
    await scheduler.advance(300);
    expect(rejections).toEqual(['unmatched-reveal']);
    expect(records.select('train', CONTEXT)).toEqual([]);
  });

  it('[P-74] takes no set of more than 24,576 bytes inside a reveal', () => {
    const { commit, reveal, at, rejections } = setUp();
    const peer = peerOf('peer', 0);
    const large: RolloutSet = {
      ...setOf(peer),
      groups: [0, 1].map((item) => ({
        item,
        completions: [{ text: 'x'.repeat(13_000), tokens: [1], logprobs: [-0.5] }],
      })),
    };
    commit(peer, large);
    at(5_300);
    reveal(peer, large);
    expect(rejections).toEqual(['oversized']);
  });

  it('[P-83] hears the votes of known devices among those of any number of strangers', () => {
    const { records, know, enter } = setUp();
    const known = peersOf('known', 8);
    know(known);
    enter('vote');
    const vote = (peer: Peer) =>
      records.vote(
        message(peer, 'vote', {
          winners: [],
          signature: `0x${'11'.repeat(65)}`,
          ballots: [],
          corrections: [],
        }),
      );
    const heard = peersOf('stranger', 2_000).filter(vote);
    expect(known.every(vote)).toBe(true);
    // Not 2,000: the 257th is heard only where its rank is better than another's.
    expect(heard.length).toBeLessThan(1_000);
  });

  it('[P-83] [P-85] keeps known critics among strangers, without what an owner says of its own devices', () => {
    const { records, know, enter } = setUp();
    const known = peersOf('known', 4);
    know(known);
    enter('critique');
    const critique = (peer: Peer, author: DeviceAddress) =>
      records.critique(
        message(peer, 'critique', {
          judgements: Array.from({ length: 40 }, (_, item) => ({
            item,
            author,
            sample: 0,
            text: 'x'.repeat(500),
            right: true,
          })),
        }),
      );
    const [author = peerOf('known', 0)] = known;
    for (const peer of peersOf('stranger', 80)) critique(peer, author.address);
    for (const peer of known) critique(peer, author.address);
    const heard = records.critiques(ROUND);
    expect(heard.filter(({ standing }) => standing.kind === 'known')).toHaveLength(4);
    // 40 judgements of 500 characters count for 45,120 bytes, so 2 MiB have room for 46.
    expect(heard.length).toBe(46);
    const own = heard.find(({ critic }) => critic === author.address);
    expect(own?.judgements).toEqual([]);
  });
});
