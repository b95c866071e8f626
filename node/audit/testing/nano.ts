import { type RunSpec, runSpecOf } from '../../../audit/run-spec.ts';
import type { Checkpoint } from '../../../models/decoder/checkpoint.ts';
import { loadModel } from '../../../models/decoder/load.ts';
import { freshState } from '../../../models/decoder/state.ts';
import { fetchModelFiles } from '../../../workers/published-model.ts';
import { DEFAULT_MODEL, modelInFolder } from '../../home/model-folder.ts';

/** The published nano model with a fresh optimizer. */
export async function nanoStart(): Promise<Checkpoint> {
  const { config, parameters } = loadModel(await fetchModelFiles(modelInFolder(DEFAULT_MODEL)));
  return { config, state: freshState(config, parameters), cursor: 0, rngKey: '0x00000000' };
}

const SHAPE = { steps: 3, seed: `0x${'11'.repeat(32)}`, learningRate: 1e-3 } as const;

/** Three steps of learning from answered questions. */
export function supervisedSpec(start: Checkpoint): RunSpec {
  return runSpecOf({ start, ...SHAPE, work: { kind: 'supervised', rows: 2, length: 32 } });
}

/** Three steps of reinforcement on sampled answers: draws and sampling are part of the trace. */
export function policySpec(start: Checkpoint): RunSpec {
  const work = { kind: 'policy', items: 1, samples: 2, promptLength: 9, answerLength: 2 } as const;
  return runSpecOf({ start, ...SHAPE, work });
}
