/** A volunteer in a swarm that trains a model in blocks: it keeps some blocks and computes their hops. */
import { join } from 'node:path';
import { openFileDirectory } from '../../models/storage/file-directory.ts';
import type { DeviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
import type { Ledger } from '../../protocol/ledger.ts';
import type { Network } from '../../protocol/network-file.ts';
import type { SwarmConnection } from '../../swarm/join.ts';
import type { BlockSession } from '../../swarm/pipeline/block-session.ts';
import type { BlockSessionView, StepShares } from '../../swarm/pipeline/block-session-view.ts';
import { joinBlocks } from '../../swarm/pipeline/join-blocks.ts';
import type { StateEvent } from '../../swarm/pipeline/state-attestations.ts';
import { blockRunSettings, blockSeedOf, openBlockRun } from '../../training/blocks/open-block-run.ts';
import { checkpointRootOf, memberRun } from '../../workers/block-member.ts';
import type { PreparedSwarm } from '../swarms/prepare-swarm.ts';
import { type BlockComputer, type HopRun, type NodeModel, nodeModelSource } from './block-computer.ts';

export interface BlockVolunteerOptions {
  readonly network: Network;
  readonly key: DeviceKey;
  /** Folder of the blocks of this swarm. */
  readonly folder: string;
  readonly connection: SwarmConnection;
  readonly prepared: Pick<PreparedSwarm, 'spec' | 'record' | 'dataSets'>;
  readonly model: NodeModel;
  /** Opens what computes the hops. It is stopped with the volunteer. */
  readonly openComputer: (run: HopRun) => Promise<BlockComputer>;
  /** Most bytes of blocks on the disk. */
  readonly quotaBytes: number;
  /** Signs attestations for the chain, and has its clock. */
  readonly ledger: Pick<Ledger, 'clock' | 'signAttestation'>;
  /** Called after each step with the root of the whole model's checkpoint, which nobody has to hold. */
  readonly onStep: (step: number, root: Hex, done: StepShares) => void;
  readonly onChange?: (view: BlockSessionView) => void;
  /** Told of this device's attestations. */
  readonly onAttestation?: (event: StateEvent) => void;
  readonly signal?: AbortSignal;
}

export interface BlockVolunteer {
  readonly session: BlockSession;
  /** The engine, for a person. */
  readonly engine: string;
  stop(): Promise<void>;
}

/**
 * Joins the run. Throws BlockPlanError, PathPlanError or ModelLoadError where model and specification do not
 * fit.
 */
export async function startBlockVolunteer(options: BlockVolunteerOptions): Promise<BlockVolunteer> {
  const { network, key, folder, connection, prepared, model, quotaBytes, signal } = options;
  const { spec, record, dataSets } = prepared;
  const settings = blockRunSettings(spec, blockSeedOf(record.cid));
  if (settings === undefined) throw new RangeError('This swarm trains no model in blocks.');
  const opened = await openBlockRun({ source: nodeModelSource(model), settings, dataSets, signal });
  const { engine, worker, stop } = await options.openComputer({ model, settings, dataSets, opened });
  const { plan } = opened.run;
  let joined: BlockSession | undefined;
  try {
    const base = await worker.base(signal);
    const session = await joinBlocks({
      connection,
      key,
      domain: { chainId: network.chainId, verifyingContract: network.contracts.participation },
      spec: record.cid,
      files: await openFileDirectory(join(folder, 'blocks')),
      quotaBytes,
      run: { ...memberRun(opened.run), first: await worker.firstRoots(signal) },
      worker,
      ledger: options.ledger,
      checkpointRoot: (steps, state) => checkpointRootOf({ plan, base }, steps, state),
      local: network.local,
      onStep: options.onStep,
      onChange() {
        if (joined !== undefined) options.onChange?.(joined.view());
      },
      onAttestation: options.onAttestation,
    });
    joined = session;
    return {
      session,
      engine,
      async stop() {
        await session.stop();
        await stop();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
