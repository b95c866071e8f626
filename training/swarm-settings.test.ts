import { describe, expect, it } from 'vitest';
import { must } from '../protocol/must.ts';
import { refusalsOf } from '../protocol/swarm-refusals.ts';
import type { SwarmSpec } from '../protocol/swarm-spec.ts';
import { fullSpec, smallSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { BUILTIN_MODELS } from './builtin-models.ts';
import { DEFAULT_SETTINGS } from './learning-settings.ts';
import { knownTasksAndModels, learningSettingsOf } from './swarm-settings.ts';
import { NANO_SELECTION } from './tasks/catalogue.ts';

const { name, root } = must(BUILTIN_MODELS, 0);
const spec: SwarmSpec = { ...smallSpec, base: { kind: 'builtin', name, root }, tasks: NANO_SELECTION };

describe('learningSettingsOf', () => {
  it('takes every number of the specification, whatever the program’s own are', () => {
    const settings = learningSettingsOf(fullSpec, 'full');
    expect(settings).toMatchObject({ ...fullSpec.round, tasks: fullSpec.tasks, models: 'any' });
    expect(settings.mix).toEqual({ own: 8, foreign: 8 });
    expect(settings.fullBatch).toBe(64);
  });

  it('spreads a full batch over the steps of a round, of which a light device takes one', () => {
    const steps = { ...fullSpec, round: { ...fullSpec.round, stepsPerRound: 4 } };
    expect(learningSettingsOf(steps, 'full')).toMatchObject({ stepsPerRound: 4, fullBatch: 16 });
    expect(learningSettingsOf(steps, 'light').stepsPerRound).toBe(1);
  });

  it('gives a light device less work, the same tasks and the same optimizer', () => {
    const [full, light] = [learningSettingsOf(spec, 'full'), learningSettingsOf(spec, 'light')];
    expect(light.samplesPerItem).toBeLessThan(full.samplesPerItem);
    expect(light.practicePrompts).toBe(0);
    const { tasks, itemsPerRound, itemsAnswered, temperature, learningRate, weightDecay } = full;
    expect(light).toMatchObject({
      ...{ tasks, itemsPerRound, itemsAnswered, temperature, learningRate, weightDecay },
    });
    const few = { ...spec, round: { ...spec.round, samplesPerItem: 2 } };
    expect(learningSettingsOf(few, 'light').samplesPerItem).toBe(2);
  });

  it('is the program’s own settings for a swarm that says the same', () => {
    const { itemsPerRound, itemsAnswered, samplesPerItem, temperature, answerTokens } = DEFAULT_SETTINGS;
    const { critiqueTokens, learningRate, warmupSteps, stepsPerRound, weightDecay } = DEFAULT_SETTINGS;
    const { heldOutItems } = DEFAULT_SETTINGS;
    const round = {
      ...{ itemsPerRound, itemsAnswered, samplesPerItem, temperature, answerTokens, critiqueTokens },
      ...{ learningRate, warmupSteps, stepsPerRound, weightDecay, heldOutItems },
    };
    expect(learningSettingsOf({ ...spec, round }, 'full')).toEqual(DEFAULT_SETTINGS);
  });
});

describe('knownTasksAndModels', () => {
  it('[S-06] lets this program take part in a swarm of its own tasks and models, and in no other', () => {
    const device = { ...knownTasksAndModels(), modelBytes: 1e6, dataBytes: 1e6 };
    expect(refusalsOf(spec, device)).toEqual([]);
    const kinds = refusalsOf(smallSpec, device).map(({ kind }) => kind);
    expect(kinds).toEqual(['unknown-task', 'wrong-root']);
  });
});
