import * as dagCbor from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { UNTESTED } from '../protocol/conformance-report.ts';
import { type DeviceKey, deviceKey, peerIdBytesOf } from '../protocol/device-key.ts';
import { startGossip } from './gossip.ts';
import { encodeMessage, type Message, type UnsignedMessage } from './messages/envelope.ts';
import type { Body } from './messages/message-types.ts';
import type { RejectReason } from './messages/reject-reason.ts';
import type { SignatureVerifier } from './messages/validator.ts';
import { topicsOf } from './network-id.ts';
import type { Disposition, MessageCheck } from './pubsub.ts';
import { SimulatedScheduler } from './testing/simulated-scheduler.ts';
import type { Quota } from './token-bucket.ts';

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

/** A gossip whose network is this test. */
function setUp(verifier?: SignatureVerifier, queue?: number, authorQuota?: Quota) {
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
    verifier,
    ...(queue === undefined ? {} : { queue }),
    ...(authorQuota === undefined ? {} : { limits: { authorQuota } }),
  });
  const heard: Message[] = [];
  gossip.onMessage((message) => heard.push(message));
  return {
    gossip,
    heard,
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

async function refusalOf(
  receive: (s: ReturnType<typeof setUp>) => Promise<Disposition>,
): Promise<readonly [Disposition, RejectReason | undefined]> {
  const s = setUp();
  await s.receive(hello(other), topics.presence);
  let reason: RejectReason | undefined;
  s.gossip.onRejected((refused) => {
    reason = refused.reason;
  });
  const disposition = await receive(s);
  expect(s.gossip.rejected.snapshot()).toEqual(reason === undefined ? {} : { [reason]: 1 });
  return [disposition, reason];
}

describe('gossip', { timeout: 30_000 }, () => {
  it('hands over a message of a key that has said hello, and passes it on', async () => {
    const s = setUp();
    expect(await s.receive(hello(other), topics.presence)).toBe('accept');
    expect(s.gossip.isBound(other.address)).toBe(true);
    expect(await s.receive(commit(other))).toBe('accept');
    await s.pass(0);
    expect(s.heard.map(({ type, author }) => [type, author])).toEqual([
      ['hello', other.address],
      ['commit', other.address],
    ]);
    expect(s.gossip.rejected.snapshot()).toEqual({});
  });

  it('signs what it says with growing sequence numbers', async () => {
    const s = setUp();
    const first = await s.gossip.publish({ type: 'hello', round: ROUND, body: helloBody(me) });
    const second = await s.gossip.publish({ type: 'hello', round: ROUND, body: helloBody(me) });
    expect(second.seq).toBeGreaterThan(first.seq);
    const receiver = setUp();
    for (const data of s.sent) expect(await receiver.receive(data, topics.presence)).toBe('ignore');
    await receiver.pass(0);
    expect(receiver.heard).toEqual([]);
  });

  it.each<[string, RejectReason, Disposition, (s: ReturnType<typeof setUp>) => Promise<Disposition>]>([
    ['noise', 'malformed', 'reject', (s) => s.receive(new Uint8Array(20))],
    ['70 KB', 'oversized', 'reject', (s) => s.receive(new Uint8Array(70_000))],
    ['another network', 'wrong-network', 'reject', (s) => s.receive(commit(other, ROUND, '01', 'other:1'))],
    ['another topic', 'wrong-topic', 'reject', (s) => s.receive(commit(other), topics.presence)],
    ['a past round', 'stale', 'ignore', (s) => s.receive(commit(other, ROUND - 1))],
    ['a future round', 'stale', 'ignore', (s) => s.receive(commit(other, ROUND + 2))],
    [
      'a key without hello',
      'unbound-key',
      'ignore',
      (s) => s.receive(commit(deviceKey(new Uint8Array(32).fill(3)))),
    ],
    ['an old hello', 'replayed', 'ignore', (s) => s.receive(hello(other, 1), topics.presence)],
    [
      'a hello under another’s peer id',
      'unbound-key',
      'reject',
      (s) =>
        s.receive(
          encodeMessage(other, networkId, {
            type: 'hello',
            round: ROUND,
            seq: 9,
            body: { ...helloBody(me) },
          }),
          topics.presence,
        ),
    ],
    [
      'a false signature',
      'false-signature',
      'reject',
      (s) => {
        const envelope = dagCbor.decode<Record<string, unknown>>(commit(other));
        const foreign = dagCbor.decode<Record<string, unknown>>(commit(me));
        return s.receive(dagCbor.encode({ ...envelope, sig: foreign.sig }));
      },
    ],
  ])('refuses %s as %s', async (_name, reason, disposition, receive) => {
    expect(await refusalOf(receive)).toEqual([disposition, reason]);
  });

  it('refuses the same message again and a second one for the same round', async () => {
    const s = setUp();
    await s.receive(hello(other), topics.presence);
    await s.receive(commit(other));
    expect(await s.receive(commit(other))).toBe('ignore');
    expect(await s.receive(commit(other, ROUND, '02'))).toBe('ignore');
    expect(s.gossip.rejected.get('replayed')).toBe(2);
    await s.pass(0);
    expect(s.heard.map(({ type }) => type)).toEqual(['hello', 'commit']);
  });

  it('does not let a false signature use up the author’s one message', async () => {
    const s = setUp();
    await s.receive(hello(other), topics.presence);
    const envelope = dagCbor.decode<Record<string, unknown>>(commit(other));
    const forged = dagCbor.encode({ ...envelope, body: { digest: new Uint8Array(32) } });
    expect(await s.receive(forged)).toBe('reject');
    expect(await s.receive(commit(other))).toBe('accept');
  });

  it('refuses an attestation or vote whose inner signature the ledger denies', async () => {
    const denies: SignatureVerifier = { verifyAttestation: async () => false, verifyVote: async () => false };
    const s = setUp(denies);
    await s.receive(hello(other), topics.presence);
    expect(await s.receive(encodeMessage(other, networkId, vote))).toBe('reject');
    expect(s.gossip.rejected.get('false-signature')).toBe(1);
    const throws: SignatureVerifier = {
      verifyAttestation: () => Promise.reject(new Error('bad point')),
      verifyVote: () => Promise.reject(new Error('bad point')),
    };
    const t = setUp(throws);
    await t.receive(hello(other), topics.presence);
    expect(await t.receive(encodeMessage(other, networkId, vote))).toBe('reject');
  });

  it('limits an author, recovers with time, and blames who passes on a lasting flood', async () => {
    const s = setUp(undefined, undefined, { perSecond: 1, burst: 2 });
    const results: Disposition[] = [];
    for (let seq = 1; seq <= 30; seq++) results.push(await s.receive(hello(other, seq), topics.presence));
    expect(results.slice(0, 2)).toEqual(['accept', 'accept']);
    expect(results.slice(2, 22)).toEqual(Array.from({ length: 20 }, () => 'ignore'));
    expect(results.slice(22)).toEqual(Array.from({ length: 8 }, () => 'reject'));
    expect(s.gossip.rejected.get('over-quota')).toBe(28);
    await s.pass(1_000);
    expect(await s.receive(hello(other, 1_000), topics.presence)).toBe('accept');
  });

  it('drops the oldest waiting message when listeners are slow, and counts it', async () => {
    const s = setUp(undefined, 2);
    const keys = Array.from({ length: 5 }, (_, i) => deviceKey(new Uint8Array(32).fill(50 + i)));
    for (const key of keys) await s.receive(hello(key), topics.presence);
    await s.pass(0);
    expect(s.heard.map(({ author }) => author)).toEqual(keys.slice(3).map(({ address }) => address));
    expect(s.gossip.rejected.get('overflow')).toBe(3);
  });

  it('leaves its topics and falls silent when stopped', async () => {
    const s = setUp();
    const check = s.checks.get(topics.presence);
    s.gossip.stop();
    expect(s.checks.size).toBe(0);
    expect(await check?.(hello(other), 'peer')).toBe('ignore');
    await s.pass(0);
    expect(s.heard).toEqual([]);
  });

  it('wants a plain network id', () => {
    expect(() => topicsOf('a/b')).toThrow(TypeError);
    expect(() => topicsOf('')).toThrow(TypeError);
  });
});
