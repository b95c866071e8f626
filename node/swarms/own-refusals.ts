import { PROJECTIONS } from '../../models/decoder/lora/adapters.ts';
import { refusalsOf, type SpecCapabilities } from '../../protocol/swarm-refusals.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { knownTasksAndModels } from '../../training/swarm-settings.ts';
import { whyUnusable } from '../../training/why-unusable.ts';

/** What this program knows, on any device. */
export function knownHere(): Pick<SpecCapabilities, 'generators' | 'builtins' | 'blocks'> {
  return { ...knownTasksAndModels(), blocks: { adapters: PROJECTIONS } };
}

/**
 * Why no member with this program could take part in a swarm, however large its device, a sentence each. None
 * where it can. Another program may know more, so such a swarm may be opened ([S-06]).
 */
export function ownRefusals(spec: SwarmSpec): readonly string[] {
  const limitless = { modelBytes: Number.POSITIVE_INFINITY, dataBytes: Number.POSITIVE_INFINITY };
  const unusable = whyUnusable(spec, { ownModel: spec.models === 'any' });
  return [
    ...refusalsOf(spec, { ...knownHere(), ...limitless }).map(({ sentence }) => sentence),
    ...(unusable === null ? [] : [unusable]),
  ];
}
