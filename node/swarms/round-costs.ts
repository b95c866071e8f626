/** What rounds of a swarm took on this device, in a file of the volunteer's home. */
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { parameterSpecs } from '../../models/decoder/config.ts';
import type { ModelSource } from '../../models/loading/model-source.ts';
import { openDescription } from '../../models/loading/open-model.ts';
import { folderName } from '../../models/storage/directory.ts';
import { SerialQueue } from '../../protocol/serial-queue.ts';
import type { SwarmSpec } from '../../protocol/swarm-spec.ts';
import {
  type CostPrediction,
  type CostRecord,
  formatCostRecord,
  parseCostRecord,
  withRound,
} from '../../workers/cost-record.ts';
import { predictCost } from '../../workers/round-cost.ts';
import { readIfThere, writeWhole } from '../home/files.ts';

function fileOf(home: string, run: string): string {
  return join(home, 'costs', `${folderName(run)}.json`);
}

/** What earlier rounds took; null where there were none. `run` is the network id of the swarm. */
export async function readCosts(home: string, run: string): Promise<CostRecord | null> {
  const bytes = await readIfThere(fileOf(home, run));
  return bytes === undefined ? null : parseCostRecord(new TextDecoder().decode(bytes));
}

/** Predicts a round here, before it is computed. `speed` is in GFLOP/s, null while it is not measured. */
export async function predictRound(options: {
  readonly spec: SwarmSpec;
  readonly model: ModelSource;
  readonly speed: number | null;
  readonly signal?: AbortSignal | undefined;
}): Promise<CostPrediction> {
  const { spec, model, speed, signal } = options;
  const { config } = await openDescription(model, signal);
  const parameters = parameterSpecs(config).reduce(
    (sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1),
    0,
  );
  const deviceMemory = totalmem() / 2 ** 30;
  const { seconds, memory } = predictCost({ spec, config, parameters, modelBytes: 0, speed, deviceMemory });
  return { seconds, memory };
}

/** Writes down what each round took. */
export class RoundCosts {
  readonly #options: {
    readonly home: string;
    readonly run: string;
    readonly predicted: CostPrediction;
  };
  readonly #queue = new SerialQueue();

  constructor(options: {
    readonly home: string;
    readonly run: string;
    readonly predicted: CostPrediction;
  }) {
    this.#options = options;
  }

  /** Notes a round. `memory` is the most that this process has had, in bytes. */
  add(round: number, seconds: number, memory: number | null): Promise<void> {
    const { home, run, predicted } = this.#options;
    return this.#queue.run(async () => {
      const record = withRound(await readCosts(home, run), predicted, { round, seconds, memory });
      await writeWhole(fileOf(home, run), formatCostRecord(record));
    });
  }
}
