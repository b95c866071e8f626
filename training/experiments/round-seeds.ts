import type { DeviceAddress, Hex } from '../../protocol/hex.ts';
import { RandomStream } from '../../protocol/philox.ts';

/** The seed of a round of an experiment's run. It follows from the run's name. */
export function roundSeed(run: string, round: number): Hex {
  const seed = new TextEncoder().encode(run);
  const stream = RandomStream.named({ seed, round, device: '', purpose: 'selection' });
  const words = Array.from({ length: 8 }, (_, index) => stream.word(index).toString(16).padStart(8, '0'));
  return `0x${words.join('')}`;
}

/** The address of an experiment's peer, from 0. */
export function peerAddress(peer: number): DeviceAddress {
  return `0x${(peer + 1).toString(16).padStart(2, '0').repeat(20)}`;
}
