import { describe, expect, it } from 'vitest';
import { equalBytes } from '../../protocol/bytes.ts';
import { type MemoryPipe, memoryPipes } from '../testing/memory-pipes.ts';
import { SLICE_PAYLOAD } from './slices.ts';
import { BUFFERED, stripedChannel } from './striped-channel.ts';

const { signal } = new AbortController();

function pair(count: number, limits = { message: 1 << 20, open: 8, bytes: 4 << 20 }) {
  const pipes = Array.from({ length: count }, memoryPipes);
  const near = pipes.map(([one]) => one);
  const far = pipes.map(([, other]) => other);
  return {
    near,
    far,
    sender: stripedChannel({ peerId: 'far', pipes: near, limits }),
    receiver: stripedChannel({ peerId: 'near', pipes: far, limits }),
  };
}

function deliverAll(pipes: readonly MemoryPipe[]): void {
  for (const pipe of pipes) pipe.deliver(Number.POSITIVE_INFINITY);
}

function filled(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

describe('stripedChannel', () => {
  it('[P-170] spreads a message over all connections and gives it whole, whichever comes first', async () => {
    const { near, sender, receiver } = pair(4);
    const message = filled(40 * SLICE_PAYLOAD);
    await sender.write(message, signal);
    for (const pipe of near) expect(pipe.bufferedAmount).toBeGreaterThan(9 * SLICE_PAYLOAD);
    deliverAll([...near].reverse());
    expect(equalBytes(await receiver.read(signal), message)).toBe(true);
  });

  it('[P-171] gives messages in the order of writing when a later one is whole first', async () => {
    const { near, sender, receiver } = pair(2);
    await sender.write(filled(1), signal);
    await sender.write(filled(2), signal);
    near[1]?.deliver(1);
    const reading = receiver.read(signal);
    near[0]?.deliver(1);
    expect(await reading).toHaveLength(1);
    expect(await receiver.read(signal)).toHaveLength(2);
  });

  it('waits while every connection has enough to send', async () => {
    const { near, sender } = pair(2);
    const writing = sender.write(filled(4 * BUFFERED), signal);
    let isDone = false;
    void writing.then(() => {
      isDone = true;
    });
    await Promise.resolve();
    expect(isDone).toBe(false);
    for (const pipe of near) expect(pipe.bufferedAmount).toBeLessThan(BUFFERED + SLICE_PAYLOAD + 100);
    while (!isDone) {
      deliverAll(near);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await writing;
  });

  it('[CT-03] gives what was sent before the end, and then ends', async () => {
    const { near, sender, receiver } = pair(3);
    await sender.write(filled(9 * SLICE_PAYLOAD), signal);
    sender.close();
    for (const pipe of near) {
      pipe.deliver(Number.POSITIVE_INFINITY);
    }
    expect(await receiver.read(signal)).toHaveLength(9 * SLICE_PAYLOAD);
    await expect(receiver.read(signal)).rejects.toThrow('ended');
    await expect(sender.write(filled(1), signal)).rejects.toThrow('closed');
  });

  it('[P-173] ends on both sides when one connection is lost', async () => {
    const { near, far, sender, receiver } = pair(3);
    await sender.write(filled(9 * SLICE_PAYLOAD), signal);
    near[1]?.lose();
    await expect(receiver.read(signal)).rejects.toThrow('Open it again');
    await expect(sender.write(filled(1), signal)).rejects.toThrow('Open it again');
    expect(far).toHaveLength(3);
  });

  it('[P-172] ends when the other side breaks a rule of slices', async () => {
    const { near, receiver } = pair(1);
    near[0]?.send(new Uint8Array(3));
    deliverAll(near);
    await expect(receiver.read(signal)).rejects.toThrow('Close the connection');
  });

  it('[CT-04] ends the channel when a write is aborted in the middle of a message', async () => {
    const { sender } = pair(1);
    const cancel = new AbortController();
    const writing = sender.write(filled(4 * BUFFERED), cancel.signal);
    cancel.abort(new Error('no longer wanted'));
    await expect(writing).rejects.toThrow('no longer wanted');
    await expect(sender.write(filled(1), signal)).rejects.toThrow('no longer wanted');
  });

  it('refuses a message that the other side would refuse', async () => {
    const { sender } = pair(1, { message: 10, open: 2, bytes: 100 });
    await expect(sender.write(filled(11), signal)).rejects.toThrow('at most 10 bytes');
  });
});
