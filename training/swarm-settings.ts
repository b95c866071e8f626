/** How a device learns in a swarm: what the specification fixes, and what every swarm has in common. */
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { DEFAULT_SETTINGS, type LearningSettings } from './learning-settings.ts';

/** Settings of a device that takes its whole share of the swarm's rounds. */
export function swarmSettings({ tasks, round, models }: SwarmSpec): LearningSettings {
  const { samplesPerItem } = round;
  return {
    ...DEFAULT_SETTINGS,
    tasks,
    itemsPerRound: round.itemsPerRound,
    itemsAnswered: round.itemsAnswered,
    samplesPerItem,
    mix: { own: samplesPerItem, foreign: samplesPerItem },
    temperature: round.temperature,
    learningRate: round.learningRate,
    warmupSteps: round.warmupSteps,
    stepsPerRound: round.stepsPerRound,
    // A step has the whole rate when every own sample is in it.
    fullBatch: Math.max(1, Math.ceil((round.itemsAnswered * samplesPerItem) / round.stepsPerRound)),
    weightDecay: round.weightDecay,
    heldOutItems: Math.max(1, round.heldOutItems),
    answerTokens: round.answerTokens,
    critiqueTokens: round.critiqueTokens,
    models,
  };
}

/** The same swarm for a slow device: fewer samples and no practice, as LIGHT_SETTINGS. */
export function lightSwarmSettings(spec: SwarmSpec): LearningSettings {
  const samplesPerItem = Math.min(4, spec.round.samplesPerItem);
  return {
    ...swarmSettings(spec),
    samplesPerItem,
    mix: { own: 1, foreign: 1 },
    fullBatch: 8,
    practicePrompts: 0,
  };
}
