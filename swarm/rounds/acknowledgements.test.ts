import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
import { type Standing, UNKNOWN } from '../../protocol/standing.ts';
import type { OutgoingMessage } from '../gossip.ts';
import { decodeMessage, encodeMessage, type Message, type UnsignedMessage } from '../messages/envelope.ts';
import { LIMITS } from '../messages/limits.ts';
import { sampleMessages } from '../messages/samples.ts';
import { SimulatedScheduler } from '../testing/simulated-scheduler.ts';
import { Acknowledgements } from './acknowledgements.ts';

const own = deviceKey(new Uint8Array(32).fill(1));
const ROOT: Hex = `0x${'01'.repeat(32)}`;
const OTHER_ROOT: Hex = `0x${'02'.repeat(32)}`;

/** Counts and sends acks for the device `own` in round 5. */
function setUp(standings: ReadonlyMap<Hex, Standing> = new Map(), members = 12) {
  const scheduler = new SimulatedScheduler();
  const sent: { readonly at: number; readonly message: OutgoingMessage }[] = [];
  const accepted: (readonly [number, number])[] = [];
  const acknowledgements = new Acknowledgements({
    gossip: {
      publish: async (message) => {
        sent.push({ at: scheduler.now(), message });
        return decodeMessage(encodeMessage(own, 'acks:1', { ...message, seq: 1 } as UnsignedMessage));
      },
    },
    device: own.address,
    members: () => members,
    scheduler,
    round: () => 5,
    standingOf: (device) => standings.get(device) ?? UNKNOWN,
    onAccepted: (_round, _root, { peers, strangers }) => accepted.push([peers, strangers]),
  });
  return { scheduler, sent, accepted, acknowledgements };
}

const addressOf = (byte: number): Hex => deviceKey(new Uint8Array(32).fill(byte)).address;

/** A message of the device with this key byte. */
function messageOf<T extends 'ack' | 'attest'>(type: T, byte: number, body: object): Message<T> {
  const sample = sampleMessages.find((message) => message.type === type);
  const message = { ...sample, round: 5, body: { ...sample?.body, ...body } };
  const key = deviceKey(new Uint8Array(32).fill(byte));
  return decodeMessage(encodeMessage(key, 'acks:1', message as UnsignedMessage)) as Message<T>;
}

const ackOf = (byte: number, ...entries: readonly object[]): Message<'ack'> =>
  messageOf('ack', byte, { attestations: entries });

describe('Acknowledgements', () => {
  it('[P-205] tells an ack of a root that this device never attested from all others', () => {
    const { acknowledgements } = setUp();
    acknowledgements.expect(5, ROOT);
    const entry = { author: own.address, round: 5, checkpointRoot: ROOT };
    expect(acknowledgements.handleAck(ackOf(2, entry))).toBe(false);
    expect(acknowledgements.handleAck(ackOf(2, { ...entry, checkpointRoot: OTHER_ROOT }))).toBe(true);
    // Of other rounds and other authors this device knows nothing.
    expect(acknowledgements.handleAck(ackOf(2, { ...entry, round: 4, checkpointRoot: OTHER_ROOT }))).toBe(
      false,
    );
    expect(
      acknowledgements.handleAck(ackOf(2, { ...entry, author: addressOf(9), checkpointRoot: OTHER_ROOT })),
    ).toBe(false);
  });

  it('[P-48] counts who acknowledges the own attestation, each once', () => {
    const { acknowledgements, accepted } = setUp();
    const entry = { author: own.address, round: 5, checkpointRoot: ROOT };
    acknowledgements.handleAck(ackOf(2, entry));
    acknowledgements.expect(5, ROOT);
    expect(acknowledgements.accepted(5)).toBe(false);
    acknowledgements.handleAck(ackOf(2, { ...entry, checkpointRoot: OTHER_ROOT }));
    acknowledgements.handleAck(ackOf(2, { ...entry, round: 4 }));
    acknowledgements.handleAck(ackOf(2, { ...entry, author: addressOf(9) }));
    expect(accepted).toEqual([]);
    acknowledgements.handleAck(ackOf(2, entry, entry));
    acknowledgements.handleAck(ackOf(2, entry));
    acknowledgements.handleAck(ackOf(3, entry));
    expect(accepted).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(acknowledgements.accepted(5)).toBe(true);
  });

  it('[P-48] counts an owner once, and devices that the chain does not know apart', () => {
    const owner: Standing = { kind: 'bound', owner: `0x${'0a'.repeat(20)}` };
    const standings = new Map<Hex, Standing>([
      [addressOf(2), owner],
      [addressOf(3), owner],
      [addressOf(4), { kind: 'known' }],
    ]);
    const { acknowledgements, accepted } = setUp(standings);
    acknowledgements.expect(5, ROOT);
    for (let byte = 2; byte < 60; byte++)
      acknowledgements.handleAck(ackOf(byte, { author: own.address, round: 5, checkpointRoot: ROOT }));
    expect(accepted.slice(0, 2)).toEqual([
      [1, 0],
      [2, 0],
    ]);
    expect(accepted.at(-1)).toEqual([2, 55]);
  });

  it('[P-80] acknowledges what it checked in one ack, a second after the first', async () => {
    const { acknowledgements, scheduler, sent } = setUp();
    const attested = [2, 3, 4].map((byte) => messageOf('attest', byte, { checkpointRoot: ROOT }));
    for (const message of attested) {
      acknowledgements.acknowledge(message);
      await scheduler.advance(400);
    }
    await scheduler.advance(10_000);
    expect(sent.map(({ at }) => at)).toEqual([1_000]);
    expect(sent[0]?.message).toMatchObject({
      type: 'ack',
      round: 5,
      body: { attestations: attested.map(({ author }) => ({ author, round: 5, checkpointRoot: ROOT })) },
    });
  });

  it('[P-48] lists at most 64 attestations, and none after it was stopped', async () => {
    const { acknowledgements, scheduler, sent } = setUp();
    const message = messageOf('attest', 2, { checkpointRoot: ROOT });
    for (let n = 0; n < LIMITS.acks + 10; n++) acknowledgements.acknowledge(message);
    await scheduler.advance(1_000);
    expect(sent[0]?.message.body).toMatchObject({ attestations: { length: 64 } });
    acknowledgements.acknowledge(message);
    acknowledgements.stop();
    await scheduler.advance(10_000);
    expect(sent).toHaveLength(1);
  });

  it('[P-195] gathers for 2.5 s among more than 12 members, where there are many acks', async () => {
    const { scheduler, sent, acknowledgements } = setUp(new Map(), 13);
    acknowledgements.acknowledge(messageOf('attest', 2, { checkpointRoot: ROOT }));
    await scheduler.advance(2_400);
    acknowledgements.acknowledge(messageOf('attest', 3, { checkpointRoot: OTHER_ROOT }));
    await scheduler.advance(10_000);
    expect(sent.map(({ at }) => at)).toEqual([2_500]);
  });
});
