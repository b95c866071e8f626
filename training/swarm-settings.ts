/**
 * How a device learns in a swarm: its specification's numbers, and the program's own for what that leaves
 * open.
 */
import type { SpecCapabilities } from '../protocol/swarm-refusals.ts';
import type { SwarmSpec, TrainedPart } from '../protocol/swarm-spec.ts';
import { BUILTIN_MODELS } from './builtin-models.ts';
import { DEFAULT_SETTINGS, type LearningSettings, LIGHT_SETTINGS } from './learning-settings.ts';
import { TASKS } from './tasks/catalogue.ts';

/** `full`: the whole of a round. `light`: about a sixth of it, for a device that is slow at training. */
export type DeviceClass = 'full' | 'light';

/**
 * The settings of a device of that class. Tasks, pool, temperature, lengths and the optimizer are the swarm's
 * for every class; a light device draws fewer samples, takes one step a round and practises nothing.
 */
export function learningSettingsOf(
  { tasks, round, models }: SwarmSpec,
  deviceClass: DeviceClass,
): LearningSettings {
  const { itemsAnswered, samplesPerItem, stepsPerRound } = round;
  const swarm: LearningSettings = {
    ...DEFAULT_SETTINGS,
    ...round,
    tasks,
    models,
    // No foreign sample takes the place of an own one, and as many foreign ones are added as there are.
    mix: { own: samplesPerItem, foreign: samplesPerItem },
    fullBatch: Math.ceil((itemsAnswered * samplesPerItem) / stepsPerRound),
  };
  if (deviceClass === 'full') return swarm;
  const { mix, fullBatch, practicePrompts } = LIGHT_SETTINGS;
  return {
    ...swarm,
    ...{ mix, fullBatch, practicePrompts },
    stepsPerRound: LIGHT_SETTINGS.stepsPerRound,
    samplesPerItem: Math.min(samplesPerItem, LIGHT_SETTINGS.samplesPerItem),
  };
}

/**
 * Bytes of memory that training takes for each byte of a model's file in bf16. All weights: themselves, two
 * moments and gradients in f32. Adapters: the frozen weights, and packed copies of them.
 */
export const BYTES_IN_TRAINING: Readonly<Record<TrainedPart['kind'], number>> = { full: 8, adapters: 2.5 };

/** The tasks and models that this program knows, for `refusalsOf`. */
export function knownTasksAndModels(): Pick<SpecCapabilities, 'generators' | 'builtins'> {
  return {
    generators: TASKS.map(({ id, version, difficulties }) => ({
      ...{ id, version, difficulties: difficulties.length },
    })),
    builtins: BUILTIN_MODELS.map(({ name, root }) => ({ name, root })),
  };
}
