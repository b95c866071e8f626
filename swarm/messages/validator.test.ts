import * as dagCbor from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../../protocol/conformance-report.ts';
import { type DeviceKey, deviceKey, peerIdBytesOf } from '../../protocol/device-key.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import { cohortPath } from '../cohort-path.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { encodeMessage, type UnsignedMessage } from './envelope.ts';
import { encodeRollouts } from './rollouts.ts';
import { sampleMessages } from './samples.ts';
import { dispositionOf, Validator, type ValidatorOptions, type Verdict } from './validator.ts';

const NETWORK = 'validator-test:1';
const keys = new Map<string, DeviceKey>();
function keyOf(name: string): DeviceKey {
  const key = keys.get(name) ?? deviceKey(sha256Of(new TextEncoder().encode(name)));
  keys.set(name, key);
  return key;
}

const hello = (key: DeviceKey, seq = 1, round = 5): Uint8Array =>
  encodeMessage(key, NETWORK, {
    type: 'hello',
    round,
    seq,
    body: {
      peerId: peerIdBytesOf(key.publicKey),
      delegation: null,
      engine: '',
      conformance: UNTESTED,
      addresses: [],
      relays: false,
    },
  });
const commit = (key: DeviceKey, round = 5): Uint8Array =>
  encodeMessage(key, NETWORK, { type: 'commit', round, seq: 1, body: { digest: `0x${'11'.repeat(32)}` } });

/** Messages with a body of 53 KB that is no CBOR, and a signature of ones. Their bytes differ by `seq`. */
function junk(key: DeviceKey, round: number, count: number): readonly Uint8Array[] {
  const envelope = dagCbor.decode<Record<string, unknown>>(commit(key, round));
  const body = new Uint8Array(53_000);
  const sig = new Uint8Array(64).fill(1);
  return Array.from({ length: count }, (_, n) => {
    const bytes = dagCbor.encode({ ...envelope, type: 'critique', seq: 10 + n, body, sig });
    return Uint8Array.from(bytes).fill(0xff, 300, 50_000);
  });
}

function setUp(
  options: Partial<ValidatorOptions> = {},
  standings: Readonly<Record<DeviceAddress, Standing>> = {},
) {
  const scheduler = new SimulatedScheduler();
  const validator = new Validator({
    networkId: NETWORK,
    scheduler,
    round: () => 5,
    random: () => 0.5,
    standings: { now: (device) => standings[device] ?? UNKNOWN },
    ...options,
  });
  const presence = (bytes: Uint8Array, source = 'a') => validator.check(bytes, 'presence', source);
  const rounds = (bytes: Uint8Array, source = 'a') => validator.check(bytes, 'rounds', source);
  return { scheduler, validator, presence, rounds };
}

/** How many verdicts there are of each kind: accepted, or the reason. */
function counted(verdicts: readonly Verdict[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const verdict of verdicts) {
    const kind = verdict.kind === 'accepted' ? 'accepted' : verdict.reason;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

const penalised = (verdicts: readonly Verdict[]): number =>
  verdicts.filter((verdict) => dispositionOf(verdict) === 'penalise').length;

describe('Validator', () => {
  it('[P-55] [P-115] looks at no body of a stale message, and 300 of 53 KB cost the neighbour standing', async () => {
    const { presence, rounds } = setUp();
    const key = keyOf('someone');
    await presence(hello(key));
    const verdicts = await Promise.all(junk(key, 1, 300).map((bytes) => rounds(bytes)));
    // A decoder would call them malformed.
    expect(counted(verdicts)).toEqual({ stale: 300 });
    expect(penalised(verdicts)).toBeGreaterThan(50);
    // The same neighbour still brings what others say.
    expect((await rounds(commit(keyOf('honest')), 'b')).kind).toBe('accepted');
  });

  it('[P-115] lets a neighbour bring as much that is stale as it brings that is not', async () => {
    const { scheduler, presence, rounds } = setUp();
    const key = keyOf('someone');
    let cost = 0;
    for (let seq = 1; seq <= 400; seq++) {
      await scheduler.advance(250);
      await presence(hello(key, seq));
      const [stale] = await Promise.all([
        rounds(commit(key, 1)),
        rounds(commit(key, 1)),
        rounds(commit(key, 1)),
      ]);
      cost += dispositionOf(stale) === 'penalise' ? 1 : 0;
    }
    // Four times three stale ones a second, of which four and ten are allowed.
    expect(cost).toBe(0);
    const onlyStale = await Promise.all(Array.from({ length: 1100 }, () => rounds(commit(key, 1))));
    expect(penalised(onlyStale)).toBeGreaterThan(10);
  });

  it('[P-55] leaves a relay its standing, because it has no clock', async () => {
    const { rounds } = setUp({ isRelay: (source) => source === 'relay' });
    const verdicts = await Promise.all(junk(keyOf('someone'), 1, 300).map((bytes) => rounds(bytes, 'relay')));
    expect(counted(verdicts)).toEqual({ stale: 300 });
    expect(penalised(verdicts)).toBe(0);
  });

  it('[P-64] [P-118] leaves a relay its standing and its other messages, because it checks no signature inside', async () => {
    const { scheduler, rounds } = setUp({
      isRelay: (source) => source === 'relay',
      verifier: { verifyAttestation: async () => false, verifyVote: async () => false },
    });
    const vote: UnsignedMessage = {
      ...{ type: 'vote', round: 5, seq: 1 },
      body: { winners: [], signature: `0x${'11'.repeat(65)}`, ballots: [], corrections: [] },
    };
    const voteOf = (name: string): Uint8Array => encodeMessage(keyOf(name), NETWORK, vote);
    const verdicts = Promise.all(['a', 'b', 'c'].map((name) => rounds(voteOf(name), 'relay')));
    const behind = Promise.all(['d', 'e', 'f'].map((name) => rounds(commit(keyOf(name)), 'relay')));
    const member = rounds(voteOf('g'), 'member');
    await scheduler.advance(3000);
    expect(counted(await verdicts)).toEqual({ 'false-signature': 3 });
    expect((await verdicts).map(dispositionOf)).toEqual(['ignore', 'ignore', 'ignore']);
    expect(counted(await behind)).toEqual({ accepted: 3 });
    expect(dispositionOf(await member)).toBe('reject');
  });

  it('[P-60] costs standing for the first message of a key that did not sign it, and drops what waits behind', async () => {
    const { scheduler, rounds } = setUp();
    const all = Promise.all(junk(keyOf('nobody'), 5, 300).map((bytes) => rounds(bytes)));
    const honest = rounds(commit(keyOf('honest')), 'b');
    await scheduler.advance(3000);
    const verdicts = await all;
    expect(verdicts.filter((verdict) => dispositionOf(verdict) === 'reject').length).toBeGreaterThan(0);
    // The first check of all shows the fault. A burst of the lane, and no more, is looked at.
    expect(counted(verdicts)['false-signature']).toBeLessThan(5);
    expect((await honest).kind).toBe('accepted');
  });

  it('[P-56] [P-113] hears 20 devices that one neighbour introduced after 1,300 fresh keys of another', async () => {
    const { scheduler, validator, presence, rounds } = setUp({ maxKeys: 200 });
    const honest = Array.from({ length: 20 }, (_, n) => keyOf(`honest ${n}`));
    const first = Promise.all(honest.map((key) => presence(hello(key), 'honest neighbour')));
    await scheduler.advance(1000);
    expect(counted(await first)).toEqual({ accepted: 20 });
    for (let second = 0; second < 10; second++) {
      for (let n = 0; n < (second === 0 ? 400 : 100); n++)
        void presence(hello(keyOf(`fresh ${second} ${n}`)), 'stranger');
      await scheduler.advance(1000);
    }
    expect(honest.filter(({ address }) => validator.isBound(address))).toHaveLength(20);
    const commits = Promise.all(honest.map((key) => rounds(commit(key), 'honest neighbour')));
    await scheduler.advance(1000);
    expect(counted(await commits)).toEqual({ accepted: 20 });
  });

  it('[P-110] counts an author as seen when it is heard again 8 s later', async () => {
    const { scheduler, presence } = setUp();
    const key = keyOf('someone');
    const classOf = async (seq: number, source: string): Promise<string | undefined> => {
      const verdict = await presence(hello(key, seq), source);
      return verdict.kind === 'accepted' ? verdict.origin.authorClass : verdict.reason;
    };
    expect(await classOf(1, 'other')).toBe('unknown');
    await scheduler.advance(7_999);
    expect(await classOf(2, 'other')).toBe('unknown');
    await scheduler.advance(1);
    // The message that makes it seen still came as one of an unknown author.
    expect(await classOf(4, 'other')).toBe('unknown');
    expect(await classOf(5, 'other')).toBe('seen');
  });

  it('[P-58] [P-110] takes known authors from a neighbour that floods with unknown ones', async () => {
    const known = keyOf('known');
    const owned = keyOf('owned');
    const { scheduler, presence, rounds } = setUp(
      {},
      {
        [known.address]: { kind: 'known' },
        [owned.address]: { kind: 'bound', owner: `0x${'0a'.repeat(20)}` },
      },
    );
    await presence(hello(known));
    await presence(hello(owned));
    const flood = Promise.all(Array.from({ length: 600 }, (_, n) => presence(hello(keyOf(`fresh ${n}`)))));
    // At once, while strangers of the same neighbour wait.
    expect([(await rounds(commit(known))).kind, (await rounds(commit(owned))).kind]).toEqual([
      'accepted',
      'accepted',
    ]);
    await scheduler.advance(5000);
    const counts = counted(await flood);
    expect(counts.accepted).toBeLessThanOrEqual(120);
    // An honest neighbour may know better whom this device does not know yet.
    expect(penalised(await flood)).toBe(0);
  });

  it('[P-111] takes a neighbour’s own messages before those of all strangers that it passes on', async () => {
    const { scheduler, presence, rounds } = setUp();
    const neighbour = keyOf('neighbour');
    for (let n = 0; n < 100; n++) void presence(hello(keyOf(`fresh ${n}`)), neighbour.peerId);
    const own = rounds(commit(neighbour), neighbour.peerId);
    let isThere = false;
    void own.then(() => {
      isThere = true;
    });
    await scheduler.advance(100);
    expect(isThere).toBe(true);
    expect((await own).kind).toBe('accepted');
  });

  it('[P-55] passes on no message that became stale while it waited', async () => {
    let round = 5;
    const { scheduler, rounds } = setUp({ round: () => round });
    const commits = Array.from({ length: 60 }, (_, n) => rounds(commit(keyOf(`fresh ${n}`))));
    await scheduler.advance(100);
    round = 6;
    await scheduler.advance(2000);
    const counts = counted(await Promise.all(commits));
    expect(counts.accepted).toBeLessThan(20);
    expect(counts.stale).toBeGreaterThan(40);
    expect(penalised(await Promise.all(commits))).toBe(0);
  });

  it('[P-113] keeps an owner’s device among any number of seen ones', async () => {
    const owned = keyOf('owned');
    const { scheduler, validator, presence } = setUp(
      { maxKeys: 3 },
      { [owned.address]: { kind: 'bound', owner: `0x${'0a'.repeat(20)}` } },
    );
    await presence(hello(owned));
    for (let n = 0; n < 10; n++) {
      const key = keyOf(`patient ${n}`);
      await presence(hello(key, 1), 'b');
      await scheduler.advance(10_000);
      await presence(hello(key, 2), 'b');
    }
    expect(validator.isBound(owned.address)).toBe(true);
    expect(validator.isBound(keyOf('patient 0').address)).toBe(false);
  });

  it('[P-116] counts the messages of an owner’s devices together', async () => {
    const devices = Array.from({ length: 6 }, (_, n) => keyOf(`device ${n}`));
    const standing: Standing = { kind: 'bound', owner: `0x${'0a'.repeat(20)}` };
    const { presence } = setUp(
      { ownerQuota: { perSecond: 1, burst: 4 } },
      Object.fromEntries(devices.map(({ address }) => [address, standing])),
    );
    for (const key of devices) await presence(hello(key, 1));
    const again: Verdict[] = [];
    for (const key of devices) again.push(await presence(hello(key, 2)));
    expect(counted(again)).toEqual({ accepted: 4, 'over-quota': 2 });
  });

  it('[P-61] [P-114] blames no neighbour for an author that sends each of them something else', async () => {
    const { scheduler, presence } = setUp();
    const key = keyOf('equivocates');
    const verdicts: Promise<Verdict>[] = [];
    let seq = 1;
    for (let second = 0; second < 20; second++) {
      // Five a second through each of eight, which is what each of them lets through.
      for (let n = 0; n < 40; n++) verdicts.push(presence(hello(key, seq++), `neighbour ${n % 8}`));
      await scheduler.advance(1000);
    }
    const all = await Promise.all(verdicts);
    expect(counted(all)['over-quota']).toBeGreaterThan(400);
    expect(penalised(all)).toBe(0);
  });

  it('[P-114] penalises a neighbour for what is too much, and not others who pass the same on', async () => {
    const { presence } = setUp({ sourceQuota: { perSecond: 1, burst: 4 } });
    const verdicts = [];
    for (let n = 0; n < 60; n++) verdicts.push(await presence(hello(keyOf(`fresh ${n}`))));
    expect(verdicts.map(dispositionOf)).not.toContain('reject');
    expect(penalised(verdicts)).toBeGreaterThan(0);
  });

  it('[P-205] blames an author for a second commit of a round, and nobody who passes that on', async () => {
    const { rounds } = setUp();
    const key = keyOf('contradicts itself');
    const second = encodeMessage(key, NETWORK, {
      ...{ type: 'commit', round: 5, seq: 2 },
      body: { digest: `0x${'22'.repeat(32)}` },
    });
    await rounds(commit(key), key.peerId);
    expect(dispositionOf(await rounds(second, key.peerId))).toBe('blame');
    expect(dispositionOf(await rounds(second, 'somebody else'))).toBe('ignore');
    // The same message once more contradicts nothing.
    expect(dispositionOf(await rounds(commit(key), key.peerId))).toBe('ignore');
    // And nobody is blamed in the name of an author whose peer it is not.
    expect(dispositionOf(await rounds(second, keyOf('neighbour').peerId))).toBe('ignore');
  });

  it('[P-205] blames no author for an attestation that it sends again', async () => {
    const { validator } = setUp();
    const key = keyOf('sends again');
    const sample = sampleMessages.find(({ type }) => type === 'attest');
    if (sample === undefined) throw new Error('There is a sample of each type.');
    const [first, again] = [1, 2].map((seq) =>
      encodeMessage(key, NETWORK, { ...sample, round: 5, seq } as UnsignedMessage),
    );
    const taken = [];
    for (const bytes of [first, again])
      taken.push(dispositionOf(await validator.check(bytes ?? new Uint8Array(), 'attestations', key.peerId)));
    expect(taken).toEqual(['accept', 'ignore']);
  });

  it('[P-74] [P-205] passes no set on that names another author, and blames whoever shows it as its own', async () => {
    const { rounds } = setUp();
    const [thief, author] = [keyOf('thief'), keyOf('author')];
    const rollouts = { author: author.address, modelRoot: `0x${'33'.repeat(32)}`, groups: [] } as const;
    const reveal = (seq: number): Uint8Array =>
      encodeMessage(thief, NETWORK, {
        ...{ type: 'reveal', round: 5, seq },
        body: { salt: `0x${'44'.repeat(32)}`, cid: encodeRollouts(rollouts).cid, rollouts },
      });
    expect(await rounds(reveal(1), thief.peerId)).toMatchObject({ reason: 'unmatched-reveal', blame: true });
    expect(dispositionOf(await rounds(reveal(2), 'passes it on'))).toBe('ignore');
  });

  it('[P-193] takes in a cohort what its members say, and penalises what others say there', async () => {
    const { validator } = setUp();
    const key = keyOf('member');
    const path = cohortPath(NETWORK, key.publicKey);
    const other = path.startsWith('0') ? '1' : '0';
    const taken = await validator.check(commit(key), { cohort: path.slice(0, 3) }, 'neighbour');
    expect(taken.kind).toBe('accepted');
    const foreign = await validator.check(commit(keyOf('member'), 6), { cohort: other }, 'neighbour');
    expect(foreign).toMatchObject({ kind: 'rejected', reason: 'wrong-topic', penalise: true });
  });
});
