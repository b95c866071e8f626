import { RandomStream } from '../../protocol/philox.ts';

/**
 * The draws of a seed that a person types: for sampling an answer or making fresh adapters. The command line and the page use the
 * same, so that equal seeds give equal bits in both.
 */
export function seededStream(seed: number, purpose: 'sampling' | 'initialisation'): RandomStream {
  return RandomStream.named({ seed: new TextEncoder().encode(String(seed)), round: 0, device: '', purpose });
}
