import { PROJECTIONS } from '../../models/decoder/lora/adapters.ts';
import { refusalsOf } from '../../protocol/swarm-refusals.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import { BYTES_IN_TRAINING, knownTasksAndModels } from '../../training/swarm-settings.ts';
import { whyUnusable } from '../../training/why-unusable.ts';

export interface TabDevice {
  /** What the browser says of the device's memory, in GiB. Undefined where it says nothing. */
  readonly deviceMemory: number | undefined;
  /** Whether the device brings a model of its own, where the swarm lets members do so. */
  readonly ownModel: boolean;
  /** Whether the files of the base are here. Undefined where nobody has looked. */
  readonly hasModel?: boolean | undefined;
}

const GIB = 2 ** 30;
/** Browsers say 8 GiB for everything above, and some say nothing. */
const USUAL_MEMORY = 8;
/** Data sets of a swarm that a page takes, in bytes. */
const DATA_BYTES = 64 * 2 ** 20;

/** Why a tab cannot train in a swarm, in a sentence; null where it can. Nothing is fetched. */
export function whyNotHere(
  spec: SwarmSpec,
  { deviceMemory = USUAL_MEMORY, ownModel, hasModel }: TabDevice,
): string | null {
  const brings = ownModel && spec.models === 'any';
  const capabilities = {
    ...knownTasksAndModels(),
    modelBytes: Math.floor((deviceMemory * GIB) / BYTES_IN_TRAINING[spec.trained.kind]),
    dataBytes: DATA_BYTES,
    blocks: { adapters: PROJECTIONS },
    ...(hasModel === undefined ? {} : { hasModel: hasModel || brings }),
  };
  // A device that brings no model starts from the base, so that the base has to fit it.
  const [refusal] = refusalsOf({ ...spec, models: brings ? 'any' : 'one' }, capabilities);
  if (refusal === undefined) return whyUnusable(spec, { ownModel: brings });
  const isAny = spec.models === 'any';
  const remedies = [
    ...(refusal.kind === 'no-source' ? ['The swarm’s page takes the folder.'] : []),
    ...(isAny && (refusal.kind === 'no-source' || refusal.kind === 'large-model')
      ? ['Or bring another model: the swarm’s page offers it.']
      : []),
  ];
  return [refusal.sentence, ...remedies].join(' ');
}

/**
 * As `whyNotHere`, for a device that is about to take part: where a file of the base has no source, this
 * device is searched for it.
 */
export async function whyNotNow(
  spec: SwarmSpec,
  { isBaseHere, ...device }: TabDevice & { readonly isBaseHere: () => Promise<boolean> },
): Promise<string | null> {
  const without = whyNotHere(spec, { ...device, hasModel: false });
  if (without === null) return null;
  const reason = whyNotHere(spec, device);
  if (reason !== null) return reason;
  return (await isBaseHere()) ? null : without;
}
