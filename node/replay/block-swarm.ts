/** `npm run replay -- --swarm LINK`: computes a run in blocks again, and compares it with the chain. */
import { totalmem } from 'node:os';
import { firstBlockSince, readAttestations } from '../../chain/attestations.ts';
import { connect } from '../../chain/network.ts';
import { readSchedule } from '../../chain/schedule.ts';
import { locationOf } from '../../chain/swarm-location.ts';
import type { Engine } from '../../compute/engines/engine.ts';
import { folderSource } from '../../models/loading/folder-source.ts';
import type { DeviceAddress } from '../../protocol/hex.ts';
import type { Network } from '../../protocol/network-file.ts';
import { blockRunSettings, blockSeedOf, openBlockRun } from '../../training/blocks/open-block-run.ts';
import { BYTES_IN_TRAINING } from '../../training/swarm-settings.ts';
import { checkpointRootOf } from '../../workers/block-member.ts';
import { wholeRun } from '../../workers/whole-run.ts';
import { UsageError } from '../home/command-line.ts';
import { folderOf, prepareSwarm } from '../swarms/prepare-swarm.ts';
import { type RootOfStep, type RunFinding, replayRun } from './replay-run.ts';

/** Steps between two lines about the progress. */
const STEPS_A_LINE = 50;

export interface BlockSwarmReplayOptions {
  /** With the number of the swarm. */
  readonly network: Network;
  /** Folder of this device; what is downloaded is kept below it. */
  readonly home: string;
  /** A folder with the model, or the URL of one. Defaults to what the specification names. */
  readonly model?: string | undefined;
  /** A folder with the data sets' files. Defaults to their addresses. */
  readonly data?: string | undefined;
  readonly engine: Engine;
  /** Most steps that are computed. */
  readonly steps: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Finds each attested root of the swarm among the run's steps, computed here. Throws UsageError for a swarm
 * whose members have rounds of their own, ChainError, and what `prepareSwarm` and `openBlockRun` throw.
 */
export async function replayBlockSwarm(options: BlockSwarmReplayOptions): Promise<readonly RunFinding[]> {
  const { network, home, model, data, engine, steps, say, signal } = options;
  const client = connect(network, { signal });
  const { spec, record, ...prepared } = await prepareSwarm({
    ...{ network, client, swarm: network.swarm, home, model, data, signal },
    modelBytes: (trained) => Math.floor(totalmem() / BYTES_IN_TRAINING[trained]),
    onNotice: say,
  });
  const settings = blockRunSettings(spec, blockSeedOf(record.cid));
  if (settings === undefined)
    throw new UsageError(
      `Swarm ${network.swarm} trains no model in blocks. Name a device and a round of it: npm run replay -- --list`,
    );
  const schedule = await readSchedule(client, network.contracts.swarms, network.swarm);
  const attested = await readAttestations({
    ...{ client, location: locationOf(network) },
    fromBlock: await firstBlockSince(client, schedule.genesis),
    toBlock: await client.getBlockNumber(),
  });
  say(`swarm ${network.swarm}, ${spec.name}: ${attested.length} attestations are on the chain`);
  const source = folderSource(folderOf(prepared.model));
  const opened = await openBlockRun({ source, settings, dataSets: prepared.dataSets, signal });
  const { run, frozen } = opened;
  const { frozenRoot: named, ...unnamed } = settings;
  if (named !== undefined) {
    const whole = await openBlockRun({ source, settings: unnamed, dataSets: prepared.dataSets, signal });
    const found = await whole.base(signal);
    if (found !== named) {
      say(
        `the specification names the frozen root ${named}, and the model has ${found}: its adapters belong to no model`,
      );
    }
  }
  async function* roots(): AsyncGenerator<RootOfStep> {
    const base = await opened.base(signal);
    const first = [];
    for (const { id } of run.plan.blocks) first.push(await opened.first(id, signal));
    let done = 0;
    for await (const state of wholeRun({ engine, run, first, frozen, signal })) {
      done++;
      yield { steps: done, root: checkpointRootOf({ plan: run.plan, base }, done, state) };
    }
  }
  return replayRun({
    attested: attested.map(({ device, round, checkpointRoot }) => ({
      ...{ device: device as DeviceAddress, round, checkpointRoot },
    })),
    ...{ roots: roots(), steps },
    onStep(step, found) {
      for (const { device, round } of found)
        say(`same bits: round ${round} of ${device} is the model after step ${step.steps}`);
      if (found.length === 0 && step.steps % STEPS_A_LINE === 0) say(`${step.steps} steps computed ...`);
    },
  });
}

/** What is not the same bits, a line each, and the sum of all. */
export function runInWords(findings: readonly RunFinding[]): readonly string[] {
  if (findings.length === 0) return ['Nobody has attested anything yet. Try again after a round.'];
  const lines = findings.flatMap((finding) => {
    if (finding.kind === 'same') return [];
    const { device, round, checkpointRoot } = finding.attested;
    const what = `round ${round} of ${device}, root ${checkpointRoot},`;
    return [
      `not found: ${what} is of none of the first ${finding.computed} steps. It is false, or of a later step: give more with --steps`,
    ];
  });
  const same = findings.filter(({ kind }) => kind === 'same').length;
  return [...lines, `${same} of ${findings.length} attestations have the bits that were computed here`];
}
