import * as dagCbor from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../protocol/conformance-report.ts';
import { type DeviceKey, deviceKey, peerIdBytesOf } from '../protocol/device-key.ts';
import { type GossipOptions, startGossip } from './gossip.ts';
import { encodeMessage, type Message, type UnsignedMessage } from './messages/envelope.ts';
import { type Body, MESSAGE_TYPES, type MessageType } from './messages/message-types.ts';
import type { RejectReason } from './messages/reject-reason.ts';
import { sampleMessages } from './messages/samples.ts';
import { type SignatureVerifier, Validator } from './messages/validator.ts';
import { topicsOf } from './network-id.ts';
import type { Disposition, MessageCheck } from './pubsub.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';

const networkId = 'gossip-test:1';
const topics = topicsOf(networkId);
const me = deviceKey(new Uint8Array(32).fill(1));
const other = deviceKey(new Uint8Array(32).fill(2));
const ROUND = 10;

function helloBody(key: DeviceKey): Body<'hello'> {
  return {
    peerId: peerIdBytesOf(key.publicKey),
    delegation: null,
    engine: 'none',
    conformance: UNTESTED,
    addresses: [],
    relays: false,
  };
}

const hello = (key: DeviceKey, seq = 1, round = ROUND): Uint8Array =>
  encodeMessage(key, networkId, { type: 'hello', round, seq, body: helloBody(key) });
const commit = (key: DeviceKey, round = ROUND, byte = '01', network = networkId): Uint8Array =>
  encodeMessage(key, network, { type: 'commit', round, seq: 2, body: { digest: `0x${byte.repeat(32)}` } });
const vote: UnsignedMessage = {
  type: 'vote',
  round: ROUND,
  seq: 3,
  body: { winners: [], signature: `0x${'00'.repeat(65)}`, ballots: [], corrections: [] },
};

const attest: UnsignedMessage = {
  ...sampleOf('attest'),
  round: ROUND,
};

/** The sample message of a type. */
function sampleOf(type: MessageType): UnsignedMessage {
  const sample = sampleMessages.find((message) => message.type === type);
  if (sample === undefined) throw new Error(`There is a sample of a ${type}.`);
  return sample;
}

/** A gossip whose network is this test. */
function setUp(options: Pick<GossipOptions, 'verifier' | 'queue' | 'limits'> = {}) {
  const checks = new Map<string, MessageCheck>();
  const sent: Uint8Array[] = [];
  const blamed: string[] = [];
  const scheduler = new SimulatedScheduler();
  const gossip = startGossip({
    pubsub: {
      publish: async (_topic, data) => {
        sent.push(data);
      },
      join: (topic, check) => {
        checks.set(topic, check);
        return () => checks.delete(topic);
      },
      blame: (source) => blamed.push(source),
      isFollowed: () => false,
    },
    networkId,
    key: me,
    scheduler,
    round: () => ROUND,
    ...options,
  });
  const received: Message[] = [];
  gossip.onMessage((message) => received.push(message));
  return {
    gossip,
    received,
    blamed,
    sent,
    checks,
    pass: (ms: number) => scheduler.advance(ms),
    receive: async (
      data: Uint8Array,
      topic: string = topics.rounds,
      source = 'peer',
    ): Promise<Disposition> => {
      const check = checks.get(topic);
      if (check === undefined) throw new Error(`${topic} was not joined`);
      return check(data, source);
    },
    /** Lets a device be seen: it is heard, and again 10 s later. */
    async introduce(key: DeviceKey): Promise<void> {
      await this.receive(hello(key, 1), topics.presence);
      await scheduler.advance(10_000);
      await this.receive(hello(key, 10_000), topics.presence);
      await scheduler.advance(10_000);
    },
    /** Hands over messages on the presence topic at once. Their checks may wait for their turns. */
    receiveAll: (all: readonly Uint8Array[], source = 'peer'): Promise<readonly Disposition[]> =>
      Promise.all(all.map(async (data) => (await checks.get(topics.presence)?.(data, source)) ?? 'ignore')),
  };
}

type Receiver = ReturnType<typeof setUp>;

/** Expects a message to be rejected for one reason, by a device that has a hello of `other`. */
async function expectRejected(
  receive: (s: Receiver) => Promise<Disposition>,
  reason: RejectReason,
  disposition: Disposition,
): Promise<void> {
  const s = setUp();
  await s.receive(hello(other), topics.presence);
  const reasons: RejectReason[] = [];
  s.gossip.onRejected((rejected) => reasons.push(rejected.reason));
  expect(await receive(s)).toBe(disposition);
  expect(reasons).toEqual([reason]);
  expect(s.gossip.rejected.snapshot()).toEqual({ [reason]: 1 });
}

/** A message with the signature of another. */
function forged(message: Uint8Array, signed: Uint8Array): Uint8Array {
  const { sig } = dagCbor.decode<Record<string, unknown>>(signed);
  return dagCbor.encode({ ...dagCbor.decode<Record<string, unknown>>(message), sig });
}

describe('gossip', () => {
  it('hands over a message of a key that has said hello, and passes it on', async () => {
    const s = setUp();
    expect(await s.receive(hello(other), topics.presence)).toBe('accept');
    expect(s.gossip.isBound(other.address)).toBe(true);
    expect(await s.receive(commit(other))).toBe('accept');
    await s.pass(0);
    expect(s.received.map(({ type, author }) => [type, author])).toEqual([
      ['hello', other.address],
      ['commit', other.address],
    ]);
    expect(s.gossip.rejected.snapshot()).toEqual({});
  });

  it('[P-32] signs with sequence numbers that grow from the clock', async () => {
    const s = setUp();
    const first = await s.gossip.publish({ type: 'hello', round: ROUND, body: helloBody(me) });
    const second = await s.gossip.publish({ type: 'hello', round: ROUND, body: helloBody(me) });
    expect([first.seq, second.seq]).toEqual([1, 2]);
    await s.pass(5_000);
    const third = await s.gossip.publish({ type: 'hello', round: ROUND, body: helloBody(me) });
    expect(third.seq).toBe(5_000);
    const receiver = setUp();
    for (const data of s.sent) expect(await receiver.receive(data, topics.presence)).toBe('ignore');
    await receiver.pass(0);
    expect(receiver.received).toEqual([]);
  });

  it('[P-51] rejects a message over 64 KiB as oversized', () =>
    expectRejected((s) => s.receive(new Uint8Array(70_000)), 'oversized', 'reject'));

  it('[P-52] rejects noise as malformed', () =>
    expectRejected((s) => s.receive(new Uint8Array(20)), 'malformed', 'reject'));

  it('[P-53] rejects a message of another network', () =>
    expectRejected((s) => s.receive(commit(other, ROUND, '01', 'other:1')), 'wrong-network', 'reject'));

  it('[P-54] rejects a type on another topic', () =>
    expectRejected((s) => s.receive(commit(other), topics.presence), 'wrong-topic', 'reject'));

  it('[P-55] rejects each type outside its window of rounds, and accepts it within', async () => {
    const windows: Readonly<Record<MessageType, readonly [number, number]>> = {
      hello: [-2, 1],
      commit: [0, 1],
      reveal: [0, 1],
      critique: [0, 1],
      vote: [-1, 1],
      attest: [-2, 1],
      ack: [-2, 1],
      blocks: [-2, 1],
      state: [-2, 1],
    };
    for (const sample of sampleMessages) {
      const [first, last] = windows[sample.type];
      for (const offset of [-3, -2, -1, 0, 1, 2]) {
        const s = setUp();
        const own = { peerId: peerIdBytesOf(other.publicKey) };
        if (sample.type !== 'hello') await s.receive(hello(other), topics.presence);
        // A sample of another device: a hello and a reveal name the device inside.
        const inside = sample.type === 'reveal' ? { rollouts: null } : {};
        const body = { ...sample.body, ...(sample.type === 'hello' ? own : inside) };
        const message = { ...sample, body, round: ROUND + offset } as UnsignedMessage;
        const topic = topics[MESSAGE_TYPES[sample.type].topic];
        const accepted = offset >= first && offset <= last;
        expect(await s.receive(encodeMessage(other, networkId, message), topic)).toBe(
          accepted ? 'accept' : 'ignore',
        );
        expect(s.gossip.rejected.snapshot()).toEqual(accepted ? {} : { stale: 1 });
      }
    }
  });

  it('[P-56] takes a message of an author that has sent no hello', async () => {
    const s = setUp();
    expect(await s.receive(commit(other))).toBe('accept');
    expect(s.gossip.isBound(other.address)).toBe(false);
    await s.pass(0);
    expect(s.received.map(({ author }) => author)).toEqual([other.address]);
  });

  it('[P-205] blames the author of an accepted message where it came from itself, and nobody else', async () => {
    const s = setUp();
    s.gossip.onMessage((message, origin) => s.gossip.blame(message, origin));
    await s.receive(hello(other, 1), topics.presence, 'passes it on');
    await s.pass(1);
    expect(s.blamed).toEqual([]);
    await s.receive(hello(other, 2), topics.presence, other.peerId);
    await s.pass(1);
    expect(s.blamed).toEqual([other.peerId]);
  });

  it('[P-57] rejects a hello that is not newer than the last', () =>
    expectRejected((s) => s.receive(hello(other, 1), topics.presence), 'replayed', 'ignore'));

  it('[P-59] rejects a hello under the PeerId of another key', () =>
    expectRejected(
      (s) => {
        const message = { type: 'hello', round: ROUND, seq: 9, body: helloBody(me) } as const;
        return s.receive(encodeMessage(other, networkId, message), topics.presence);
      },
      'unbound-key',
      'reject',
    ));

  it('[P-60] rejects a message with the signature of another', () =>
    expectRejected((s) => s.receive(forged(commit(other), commit(me))), 'false-signature', 'reject'));

  it('[P-50] counts the first reason in the order of the table', async () => {
    // A message has one fault and all those after it. The first one is counted.
    const faults = ['wrong-network', 'wrong-topic', 'stale', 'false-signature'] as const;
    for (const [first, reason] of faults.entries()) {
      const has = (fault: (typeof faults)[number]): boolean => faults.indexOf(fault) >= first;
      const message = commit(
        other,
        has('stale') ? ROUND - 5 : ROUND,
        '01',
        has('wrong-network') ? 'other:1' : networkId,
      );
      const topic = has('wrong-topic') ? topics.attestations : topics.rounds;
      const s = setUp();
      await s.receive(hello(other), topics.presence);
      await s.receive(forged(message, commit(me)), topic);
      expect(s.gossip.rejected.snapshot()).toEqual({ [reason]: 1 });
    }
    // A replay is found before its signature is verified.
    await expectRejected(
      (s) => s.receive(forged(hello(other), commit(me)), topics.presence),
      'replayed',
      'ignore',
    );
  });

  it('[P-57] rejects the same message again and a second one for the same round', async () => {
    const s = setUp();
    await s.receive(hello(other), topics.presence);
    await s.receive(commit(other));
    expect(await s.receive(commit(other))).toBe('ignore');
    expect(await s.receive(commit(other, ROUND, '02'))).toBe('ignore');
    expect(s.gossip.rejected.get('replayed')).toBe(2);
    await s.pass(0);
    expect(s.received.map(({ type }) => type)).toEqual(['hello', 'commit']);
  });

  it('[P-63] does not let a false signature use up the author’s one message', async () => {
    const s = setUp();
    await s.receive(hello(other), topics.presence);
    const envelope = dagCbor.decode<Record<string, unknown>>(commit(other));
    const forged = dagCbor.encode({ ...envelope, body: { digest: new Uint8Array(32) } });
    expect(await s.receive(forged)).toBe('reject');
    expect(await s.receive(commit(other))).toBe('accept');
  });

  it('[P-118] rejects an attestation, a state or a vote whose signature inside the ledger denies', async () => {
    const denies: SignatureVerifier = { verifyAttestation: async () => false, verifyVote: async () => false };
    const s = setUp({ verifier: denies });
    await s.receive(hello(other), topics.presence);
    expect(await s.receive(encodeMessage(other, networkId, vote))).toBe('reject');
    expect(await s.receive(encodeMessage(other, networkId, attest), topics.attestations)).toBe('reject');
    const state: UnsignedMessage = { ...sampleOf('state'), round: ROUND };
    expect(await s.receive(encodeMessage(other, networkId, state), topics.pipeline)).toBe('reject');
    expect(s.gossip.rejected.get('false-signature')).toBe(3);
    const throws: SignatureVerifier = {
      verifyAttestation: () => Promise.reject(new Error('bad point')),
      verifyVote: () => Promise.reject(new Error('bad point')),
    };
    const t = setUp({ verifier: throws });
    await t.receive(hello(other), topics.presence);
    expect(await t.receive(encodeMessage(other, networkId, vote))).toBe('reject');
  });

  it('[P-61] [P-62] limits an author, recovers with time, and penalises a lasting flood', async () => {
    const s = setUp({ limits: { authorQuota: { perSecond: 1, burst: 2 } } });
    const results = s.receiveAll(Array.from({ length: 30 }, (_, seq) => hello(other, seq + 1)));
    await s.pass(900);
    expect((await results).slice(0, 2)).toEqual(['accept', 'accept']);
    expect((await results).slice(2, 24)).toEqual(Array.from({ length: 22 }, () => 'ignore'));
    expect((await results).slice(24)).toEqual(Array.from({ length: 6 }, () => 'penalise'));
    expect(s.gossip.rejected.get('over-quota')).toBe(28);
    await s.pass(1_000);
    expect(await s.receive(hello(other, 1_000), topics.presence)).toBe('accept');
  });

  it('[P-58] [P-119] [P-62] limits the messages that one neighbour passes on, whoever wrote them', async () => {
    const s = setUp({ limits: { sourceQuota: { perSecond: 1, burst: 4 } } });
    const keys = Array.from({ length: 46 }, (_, i) => deviceKey(new Uint8Array(32).fill(100 + i)));
    const results: Disposition[] = [];
    for (const key of keys) results.push(await s.receive(hello(key), topics.presence, 'busy'));
    // The last of the four is for authors that are not unknown.
    expect(results.slice(0, 3)).toEqual(['accept', 'accept', 'accept']);
    expect(results.slice(3, 43)).toEqual(Array.from({ length: 40 }, () => 'ignore'));
    expect(results.slice(43)).toEqual(['penalise', 'penalise', 'penalise']);
    const [, , , fourth = other] = keys;
    expect(await s.receive(hello(fourth), topics.presence, 'another')).toBe('accept');
  });

  it('[P-61] allows an author 20 messages at once', async () => {
    const s = setUp();
    await s.introduce(other);
    const hellos = Array.from({ length: 21 }, (_, n) => hello(other, 20_000 + n));
    expect((await s.receiveAll(hellos)).filter((result) => result === 'accept')).toHaveLength(20);
    expect(s.gossip.rejected.snapshot()).toEqual({ 'over-quota': 1 });
  });

  it('[P-65] drops the oldest waiting message of unknown authors when listeners are slow', async () => {
    const s = setUp({ queue: 2 });
    const keys = Array.from({ length: 5 }, (_, i) => deviceKey(new Uint8Array(32).fill(50 + i)));
    await s.introduce(other);
    s.received.length = 0;
    for (const data of [hello(other, 20_000), ...keys.map((key) => hello(key))])
      await s.receive(data, topics.presence);
    await s.pass(0);
    const [, , , , last = other] = keys;
    expect(s.received.map(({ author }) => author)).toEqual([other.address, last.address]);
    expect(s.gossip.rejected.get('overflow')).toBe(4);
  });

  it('leaves its topics and falls silent when stopped', async () => {
    const s = setUp();
    const check = s.checks.get(topics.presence);
    s.gossip.stop();
    expect(s.checks.size).toBe(0);
    expect(await check?.(hello(other), 'peer')).toBe('ignore');
    await s.pass(0);
    expect(s.received).toEqual([]);
  });
});

describe('a relay’s Validator', () => {
  it('[P-64] judges as a peer does, but without a clock and without the signatures inside', async () => {
    const validator = new Validator({ networkId, scheduler: new SimulatedScheduler() });
    const kinds: string[] = [];
    for (const [bytes, topic] of [
      [hello(other, 1, 3), 'presence'],
      [encodeMessage(other, networkId, { ...vote, round: 900 }), 'rounds'],
      [commit(deviceKey(new Uint8Array(32).fill(3))), 'rounds'],
      [forged(commit(other), commit(me)), 'rounds'],
    ] as const) {
      const verdict = await validator.check(bytes, topic, 'peer');
      kinds.push(verdict.kind === 'rejected' ? verdict.reason : verdict.kind);
    }
    expect(kinds).toEqual(['accepted', 'accepted', 'accepted', 'false-signature']);
  });
});
