import { describe, expect, it } from 'vitest';
import { deviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
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
function setUp() {
  const scheduler = new SimulatedScheduler();
  const sent: { readonly at: number; readonly message: OutgoingMessage }[] = [];
  const accepted: number[] = [];
  const acknowledgements = new Acknowledgements({
    gossip: {
      publish: async (message) => {
        sent.push({ at: scheduler.now(), message });
        return decodeMessage(encodeMessage(own, 'acks:1', { ...message, seq: 1 } as UnsignedMessage));
      },
    },
    device: own.address,
    scheduler,
    round: () => 5,
    onAccepted: (_round, _root, peers) => accepted.push(peers),
  });
  return { scheduler, sent, accepted, acknowledgements };
}

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
  it('[P-48] counts the devices that acknowledge the own attestation, each once', () => {
    const { acknowledgements, accepted } = setUp();
    const entry = { author: own.address, round: 5, checkpointRoot: ROOT };
    acknowledgements.handleAck(ackOf(2, entry));
    acknowledgements.expect(5, ROOT);
    expect(acknowledgements.accepted(5)).toBe(false);
    acknowledgements.handleAck(ackOf(2, { ...entry, checkpointRoot: OTHER_ROOT }));
    acknowledgements.handleAck(ackOf(2, { ...entry, round: 4 }));
    acknowledgements.handleAck(ackOf(2, { ...entry, author: deviceKey(new Uint8Array(32).fill(9)).address }));
    expect(accepted).toEqual([]);
    acknowledgements.handleAck(ackOf(2, entry, entry));
    acknowledgements.handleAck(ackOf(2, entry));
    acknowledgements.handleAck(ackOf(3, entry));
    expect(accepted).toEqual([1, 2]);
    expect(acknowledgements.accepted(5)).toBe(true);
  });

  it('[P-80] acknowledges what it kept in one ack, a second after the first', async () => {
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
});
