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
    };
    for (const sample of sampleMessages) {
      const [first, last] = windows[sample.type];
      for (const offset of [-3, -2, -1, 0, 1, 2]) {
        const s = setUp();
        const own = { peerId: peerIdBytesOf(other.publicKey) };
        if (sample.type !== 'hello') await s.receive(hello(other), topics.presence);
        const body = sample.type === 'hello' ? { ...sample.body, ...own } : sample.body;
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

  it('[P-56] rejects a message of a key without a hello', () =>
    expectRejected((s) => s.receive(commit(deviceKey(new Uint8Array(32).fill(3)))), 'unbound-key', 'ignore'));

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
    const stranger = deviceKey(new Uint8Array(32).fill(3));
    const faults = ['wrong-network', 'wrong-topic', 'stale', 'unbound-key', 'false-signature'] as const;
    for (const [first, reason] of faults.entries()) {
      const has = (fault: (typeof faults)[number]): boolean => faults.indexOf(fault) >= first;
      const message = commit(
        has('unbound-key') ? stranger : other,
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

  it('[P-60] rejects an attestation or vote whose signature inside the ledger denies', async () => {
    const denies: SignatureVerifier = { verifyAttestation: async () => false, verifyVote: async () => false };
    const s = setUp({ verifier: denies });
    await s.receive(hello(other), topics.presence);
    expect(await s.receive(encodeMessage(other, networkId, vote))).toBe('reject');
    expect(await s.receive(encodeMessage(other, networkId, attest), topics.attestations)).toBe('reject');
    expect(s.gossip.rejected.get('false-signature')).toBe(2);
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
    const results: Disposition[] = [];
    for (let seq = 1; seq <= 30; seq++) results.push(await s.receive(hello(other, seq), topics.presence));
    expect(results.slice(0, 2)).toEqual(['accept', 'accept']);
    expect(results.slice(2, 22)).toEqual(Array.from({ length: 20 }, () => 'ignore'));
    expect(results.slice(22)).toEqual(Array.from({ length: 8 }, () => 'reject'));
    expect(s.gossip.rejected.get('over-quota')).toBe(28);
    await s.pass(1_000);
    expect(await s.receive(hello(other, 1_000), topics.presence)).toBe('accept');
  });

  it('[P-58] [P-62] limits the messages that one neighbour passes on, whoever wrote them', async () => {
    const s = setUp({ limits: { sourceQuota: { perSecond: 1, burst: 2 } } });
    const keys = Array.from({ length: 24 }, (_, i) => deviceKey(new Uint8Array(32).fill(100 + i)));
    const results: Disposition[] = [];
    for (const key of keys) results.push(await s.receive(hello(key), topics.presence, 'busy'));
    expect(results.slice(0, 2)).toEqual(['accept', 'accept']);
    expect(results.slice(2, 22)).toEqual(Array.from({ length: 20 }, () => 'ignore'));
    expect(results.slice(22)).toEqual(['reject', 'reject']);
    const [, , third = other] = keys;
    expect(await s.receive(hello(third), topics.presence, 'another')).toBe('accept');
  });

  it('[P-58] [P-61] allows a neighbour 400 messages at once and an author 20', async () => {
    const s = setUp();
    const authored: Disposition[] = [];
    for (let seq = 1; seq <= 21; seq++)
      authored.push(await s.receive(hello(other, seq), topics.presence, 'a'));
    expect(authored.filter((result) => result === 'accept')).toHaveLength(20);
    expect(s.gossip.rejected.get('over-quota')).toBe(1);
    // A false signature costs the neighbour's quota too, and no author's.
    const { gossip, receive } = setUp();
    await receive(hello(other), topics.presence, 'other');
    for (let n = 0; n <= 400; n++) await receive(forged(commit(other), commit(me)), topics.rounds, 'b');
    expect(gossip.rejected.snapshot()).toEqual({ 'false-signature': 400, 'over-quota': 1 });
  });

  it('[P-65] drops the oldest waiting message when listeners are slow, and counts it', async () => {
    const s = setUp({ queue: 2 });
    const keys = Array.from({ length: 5 }, (_, i) => deviceKey(new Uint8Array(32).fill(50 + i)));
    for (const key of keys) await s.receive(hello(key), topics.presence);
    await s.pass(0);
    expect(s.received.map(({ author }) => author)).toEqual(keys.slice(3).map(({ address }) => address));
    expect(s.gossip.rejected.get('overflow')).toBe(3);
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
    const validator = new Validator({ networkId, now: () => 0 });
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
    expect(kinds).toEqual(['accepted', 'accepted', 'unbound-key', 'false-signature']);
  });
});
