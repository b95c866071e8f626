import { readFile, writeFile } from 'node:fs/promises';
import * as dagCbor from '@ipld/dag-cbor';
import { attestationDigest, ChainLedger, voteDigest } from '../../chain/ledger.ts';
import { deviceKey, peerIdBytesOf } from '../../protocol/device-key.ts';
import { fromHex, type Hex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import { decodeMessage, encodeMessage, type UnsignedMessage } from '../../swarm/messages/envelope.ts';
import { MESSAGE_TYPES, type MessageType, type TopicName } from '../../swarm/messages/message-types.ts';
import type { RejectReason } from '../../swarm/messages/reject-reason.ts';
import { sampleMessages } from '../../swarm/messages/samples.ts';
import { Validator } from '../../swarm/messages/validator.ts';
import { networkId, topicsOf } from '../../swarm/network-id.ts';
import { SimulatedScheduler } from '../../swarm/testing/simulated-scheduler.ts';

const FILE = new URL('../../docs/vectors/refusals.json', import.meta.url);

const key = deviceKey(new Uint8Array(32).fill(7));
const other = deviceKey(new Uint8Array(32).fill(8));
const CHAIN_ID = 31337;
const LOCATION = { participation: '0x00000000000000000000000000000000000000aa', swarm: 3 } as const;
const NETWORK = networkId(CHAIN_ID, LOCATION.participation, LOCATION.swarm);
/** The receiver's round. */
const NOW = 7;

/** What a receiver takes, or refuses for that reason. */
interface Vector {
  readonly why: string;
  /** Undefined where the message is taken. */
  readonly reason?: RejectReason;
  readonly topic: string;
  /** Messages that were taken before on their own topics. */
  readonly before: readonly Hex[];
  readonly bytes: Hex;
}

/** A message of a type with a signature inside that is its author's. */
function sample(type: MessageType, round: number, signer = key): UnsignedMessage {
  const found = sampleMessages.find((message) => message.type === type);
  if (found === undefined) throw new Error(`There is a sample of a ${type}.`);
  const message: UnsignedMessage = { ...found, round };
  if (message.type === 'hello') return { ...message, body: { ...message.body, delegation: null } };
  if (message.type === 'vote') {
    const digest = voteDigest(CHAIN_ID, LOCATION, { round, winners: message.body.winners });
    return { ...message, body: { ...message.body, signature: signer.signRecoverable(digest) } };
  }
  if (message.type !== 'attest' && message.type !== 'state') return message;
  const { checkpointRoot, rolloutDigest } = message.body;
  const digest = attestationDigest(CHAIN_ID, LOCATION, { round, checkpointRoot, rolloutDigest });
  const signature = signer.signRecoverable(digest);
  return message.type === 'attest'
    ? { ...message, body: { ...message.body, signature } }
    : { ...message, body: { ...message.body, signature } };
}

const encoded = (message: UnsignedMessage): Uint8Array => encodeMessage(key, NETWORK, message);

/** An envelope of any content, rightly signed. */
function signed(change: Readonly<Record<string, unknown>>, of: UnsignedMessage): Uint8Array {
  const { sig: _, ...envelope } = dagCbor.decode<Record<string, unknown>>(encoded(of));
  const unsigned = { ...envelope, ...change };
  const digest = sha256Of(new TextEncoder().encode('starling/message/2\n'), dagCbor.encode(unsigned));
  return dagCbor.encode({ ...unsigned, sig: key.sign(digest) });
}

function bodyOf(message: UnsignedMessage): Record<string, unknown> {
  return dagCbor.decode<{ body: Record<string, unknown> }>(encoded(message)).body;
}

function vector(
  why: string,
  bytes: Uint8Array,
  rest: { readonly type: MessageType } & Partial<Pick<Vector, 'reason'>> & {
      readonly topic?: TopicName;
      readonly before?: readonly Uint8Array[];
    },
): Vector {
  const { type, reason, topic = MESSAGE_TYPES[type].topic, before = [] } = rest;
  return {
    ...{ why, ...(reason === undefined ? {} : { reason }) },
    topic: topicsOf(NETWORK)[topic],
    before: before.map((each) => toHex(each)),
    bytes: toHex(bytes),
  };
}

/** Messages of every type at the ends of its window, and one round beyond them. */
function windows(): Vector[] {
  return (Object.keys(MESSAGE_TYPES) as MessageType[]).flatMap((type) => {
    const { behind, ahead } = MESSAGE_TYPES[type].window;
    // A reveal shows what its author committed to.
    const before = (round: number) => (type === 'reveal' ? [encoded(sample('commit', round))] : []);
    const at = (round: number, reason?: RejectReason) =>
      vector(`${type} of round ${round}`, encoded(sample(type, round)), {
        ...(reason === undefined ? { type, before: before(round) } : { type, reason }),
      });
    return [at(NOW - behind - 1, 'stale'), at(NOW - behind), at(NOW + ahead), at(NOW + ahead + 1, 'stale')];
  });
}

function faults(): Vector[] {
  const hello = sample('hello', NOW);
  const commit = sample('commit', NOW);
  const critique = sample('critique', NOW);
  const ack = sample('ack', NOW);
  const judgements = [{ ...(bodyOf(critique).judgements as object[])[0], text: 'x'.repeat(513) }];
  const { relays: _, ...withoutRelays } = bodyOf(hello);
  const commitWith = (byte: string): UnsignedMessage => ({
    ...{ type: 'commit', round: NOW, seq: 2, body: { digest: `0x${byte.repeat(32)}` } },
  });
  const inside = (['vote', 'attest', 'state'] as const).map((type) =>
    vector(`${type} that another key signed inside`, encoded(sample(type, NOW, other)), {
      ...{ type, reason: 'false-signature' },
    }),
  );
  return [
    vector(
      'a hello with nine addresses',
      signed(
        { body: { ...bodyOf(hello), addresses: Array.from({ length: 9 }, () => '/dns4/a.test') } },
        hello,
      ),
      { type: 'hello', reason: 'oversized' },
    ),
    vector('a judgement of 513 bytes', signed({ body: { judgements } }, critique), {
      type: 'critique',
      reason: 'oversized',
    }),
    vector('a hello that says not whether it relays', signed({ body: withoutRelays }, hello), {
      type: 'hello',
      reason: 'malformed',
    }),
    vector('a hello with a field more', signed({ body: { ...bodyOf(hello), name: 'a' } }, hello), {
      type: 'hello',
      reason: 'malformed',
    }),
    vector('version 3', signed({ v: 3 }, hello), { type: 'hello', reason: 'malformed' }),
    vector('of another swarm', encodeMessage(key, networkId(CHAIN_ID, LOCATION.participation, 4), commit), {
      type: 'commit',
      reason: 'wrong-network',
    }),
    vector('a commit on the topic of hellos', encoded(commit), {
      type: 'commit',
      topic: 'presence',
      reason: 'wrong-topic',
    }),
    vector('a second commit of the round', encoded(commitWith('02')), {
      type: 'commit',
      reason: 'replayed',
      before: [encoded(commitWith('01'))],
    }),
    vector('a hello with the same seq', encoded(hello), {
      type: 'hello',
      reason: 'replayed',
      before: [encoded({ ...hello, round: NOW - 1 })],
    }),
    vector('a hello with a higher seq', encoded({ ...hello, seq: hello.seq + 1 }), {
      type: 'hello',
      before: [encoded(hello)],
    }),
    vector('an ack with a lower seq', encoded({ ...ack, seq: ack.seq - 1 }), {
      type: 'ack',
      reason: 'replayed',
      before: [encoded(ack)],
    }),
    vector('a commit of another round', encoded({ ...commit, round: NOW + 1 }), {
      type: 'commit',
      before: [encoded(commit)],
    }),
    vector('signed by another key', forged(commit), { type: 'commit', reason: 'false-signature' }),
    vector(
      'a hello with the PeerId of another key',
      signed({ body: { ...bodyOf(hello), peerId: peerIdBytesOf(other.publicKey) } }, hello),
      { type: 'hello', reason: 'unbound-key' },
    ),
    ...inside,
  ];
}

/** A message with the signature of another key. */
function forged(message: UnsignedMessage): Uint8Array {
  const { sig: _, ...unsigned } = dagCbor.decode<Record<string, unknown>>(encoded(message));
  const digest = sha256Of(new TextEncoder().encode('starling/message/2\n'), dagCbor.encode(unsigned));
  return dagCbor.encode({ ...unsigned, sig: other.sign(digest) });
}

/** What a receiver takes and refuses at level 0, for docs/vectors/refusals.json. */
export function makeRefusalVectors() {
  return {
    ...{ chainId: CHAIN_ID, ...LOCATION, run: NETWORK, round: NOW },
    messages: [...windows(), ...faults()],
  };
}

/** The reason for which our own validator refuses a vector; undefined where it takes it. */
export async function verdictOn({ before, bytes, topic }: Vector): Promise<RejectReason | undefined> {
  const validator = new Validator({
    networkId: NETWORK,
    scheduler: new SimulatedScheduler(),
    round: () => NOW,
    verifier: new ChainLedger({
      clock: {
        read() {
          throw new Error('The validator has a clock of its own.');
        },
      },
      device: key,
      chainId: CHAIN_ID,
      location: LOCATION,
      readStandings: async (devices) => devices.map(() => UNKNOWN),
    }),
  });
  const names = Object.entries(topicsOf(NETWORK)) as [TopicName, string][];
  const nameOf = (full: string): TopicName => {
    const found = names.find(([, each]) => each === full);
    if (found === undefined) throw new Error(`${full} is no topic.`);
    return found[0];
  };
  for (const earlier of before.map(fromHex)) {
    const { type } = decodeMessage(earlier);
    const verdict = await validator.check(earlier, MESSAGE_TYPES[type].topic, 'peer');
    if (verdict.kind === 'rejected') throw new Error(`What comes before is refused: ${verdict.detail}`);
  }
  const verdict = await validator.check(fromHex(bytes), nameOf(topic), 'peer');
  validator.stop();
  return verdict.kind === 'rejected' ? verdict.reason : undefined;
}

export async function readRefusalVectors(): Promise<unknown> {
  return JSON.parse(await readFile(FILE, 'utf8'));
}

/** Writes the file again, after a deliberate change of the protocol. */
export async function writeRefusalVectors(): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(makeRefusalVectors(), null, 1)}\n`);
}
