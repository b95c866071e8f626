import { expect, it } from 'vitest';
import { fullSpec, smallSpec } from '../protocol/testing/sample-swarm-specs.ts';
import { DEFAULT_SETTINGS, parseSettings, settingsText } from './learning-settings.ts';
import { lightSwarmSettings, swarmSettings } from './swarm-settings.ts';
import { NANO_SELECTION } from './tasks/catalogue.ts';

it('takes every number of a specification, in settings that a checkpoint takes', () => {
  for (const spec of [smallSpec, fullSpec]) {
    const settings = swarmSettings(spec);
    expect(settings).toMatchObject({ ...spec.round, tasks: spec.tasks, models: spec.models });
    expect(parseSettings(JSON.parse(settingsText(settings)))).toEqual(settings);
    const light = lightSwarmSettings(spec);
    expect(light.samplesPerItem).toBeLessThanOrEqual(4);
    expect(light).toMatchObject({ tasks: spec.tasks, itemsPerRound: spec.round.itemsPerRound });
  }
});

it('is the program’s own learning for a swarm with its numbers', () => {
  const { itemsPerRound, itemsAnswered, samplesPerItem, temperature, answerTokens } = DEFAULT_SETTINGS;
  const { learningRate, warmupSteps, stepsPerRound, weightDecay, heldOutItems } = DEFAULT_SETTINGS;
  const { critiqueTokens } = DEFAULT_SETTINGS;
  const round = {
    ...{ itemsPerRound, itemsAnswered, samplesPerItem, temperature, answerTokens, critiqueTokens },
    ...{ learningRate, warmupSteps, stepsPerRound, weightDecay, heldOutItems },
  };
  expect(swarmSettings({ ...smallSpec, tasks: NANO_SELECTION, round })).toEqual(DEFAULT_SETTINGS);
});
