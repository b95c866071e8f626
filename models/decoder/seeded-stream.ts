import { RandomStream } from '../../protocol/philox.ts';

/**
 * The random stream of a seed that a person typed, for sampling an answer or initialising adapters. The
 * command line and the page share it, so that equal seeds give equal bits in both.
 */
export function seededStream(seed: number, purpose: 'sampling' | 'initialisation'): RandomStream {
  return RandomStream.named({ seed: new TextEncoder().encode(String(seed)), round: 0, device: '', purpose });
}
