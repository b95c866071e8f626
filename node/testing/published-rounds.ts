import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ChainLedger } from '../../chain/ledger.ts';
import { createReferenceEngine } from '../../compute/engines/reference.ts';
import { openMemoryDirectory } from '../../models/storage/memory-directory.ts';
import { type DeviceKey, deviceKey } from '../../protocol/device-key.ts';
import type { Hex } from '../../protocol/hex.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import { startContent } from '../../swarm/content/service.ts';
import { digestInCid, encodeRollouts } from '../../swarm/messages/rollouts.ts';
import { networkId } from '../../swarm/network-id.ts';
import { systemScheduler } from '../../swarm/scheduler.ts';
import { openCheckpointStore } from '../../training/durable-checkpoint-store.ts';
import { ComputeHost, type ComputeHostOptions } from '../../workers/compute-host.ts';
import { fetchModelFiles, publishedSource } from '../../workers/published-model.ts';
import { SMALL_SETTINGS, smallModel } from '../../workers/testing/small-model.ts';
import { type ArchiveFolder, openArchiveFolder } from '../archive/archive-folder.ts';
import type { RoundRecord } from '../archive/round-record.ts';

const PARTICIPATION: Hex = `0x${'5c'.repeat(20)}`;
const SWARM = 3;
const CHAIN_ID = 31337;
const seedFor = (round: number): Hex => `0x${(round + 1).toString(16).padStart(64, '0')}`;

export interface PublishedRounds {
  readonly archive: ArchiveFolder;
  readonly archivePath: string;
  readonly modelPath: string;
  readonly keys: readonly [DeviceKey, DeviceKey];
  /** Records by round, then device in the order of `keys`. */
  readonly records: readonly (readonly RoundRecord[])[];
}

/** What the devices learn. */
type Learning = Pick<ComputeHostOptions<never>, 'settings' | 'dataSets' | 'swarm'>;

/**
 * Two devices train a small model for some rounds on each other's answers, exactly as volunteers do, and
 * publish everything into an archive in `folder`. `learning` defaults to the settings of small tests.
 */
export async function publishRounds(
  folder: string,
  rounds: number,
  learning: Learning = { settings: SMALL_SETTINGS },
): Promise<PublishedRounds> {
  const archivePath = join(folder, 'archive');
  const modelPath = join(folder, 'model');
  const archive = await openArchiveFolder(archivePath);
  const model = smallModel();
  await mkdir(modelPath);
  for (const [name, bytes] of Object.entries(await fetchModelFiles(model)))
    await writeFile(join(modelPath, name), bytes);
  const content = await startContent({
    store: archive.content,
    scheduler: systemScheduler,
    transport: { open: () => Promise.reject(new Error('alone')), serve: async () => async () => undefined },
  });
  const keys = [deviceKey(new Uint8Array(32).fill(7)), deviceKey(new Uint8Array(32).fill(9))] as const;
  const signal = new AbortController().signal;
  const hosts = await Promise.all(
    keys.map((key) =>
      ComputeHost.start<never>({
        device: key.address,
        model: publishedSource(model),
        store: openCheckpointStore(openMemoryDirectory()),
        engine: 'reference',
        ...learning,
        chooseEngine: async () => ({ engine: createReferenceEngine(), reason: '', verdicts: [] }),
      }),
    ),
  );
  const records: RoundRecord[][] = [];
  for (let round = 0; round < rounds; round++) {
    const contextOf = (key: DeviceKey): RoundContext => ({
      round,
      seed: seedFor(round),
      device: key.address,
    });
    const answers: PeerRollouts[] = [];
    for (const [index, host] of hosts.entries()) {
      const key = keys[index];
      if (key === undefined) continue;
      const set = await host.answer(contextOf(key), signal);
      const { bytes, cid } = encodeRollouts(set);
      await content.publishObject(bytes);
      answers.push({ author: key.address, cid, set });
    }
    const done: RoundRecord[] = [];
    for (const [index, host] of hosts.entries()) {
      const [key, own] = [keys[index], answers[index]];
      if (key === undefined || own === undefined) continue;
      const foreign = answers.filter((other) => other !== own);
      const outcome = await host.train(contextOf(key), own, foreign, signal);
      const checkpoint = await content.publishFile(outcome.checkpoint);
      const ledger = new ChainLedger({
        readStandings: async (devices) => devices.map(() => UNKNOWN),
        clock: { read: () => Promise.reject(new Error('no clock')) as never },
        device: key,
        chainId: CHAIN_ID,
        location: { participation: PARTICIPATION, swarm: SWARM },
      });
      const { checkpointRoot, previousRoot } = outcome;
      const rolloutDigest = digestInCid(own.cid);
      const { signature } = await ledger.signAttestation({ round, checkpointRoot, rolloutDigest });
      const [rollouts = own.cid, ...others] = outcome.trainedOn;
      const record: RoundRecord = {
        version: 1,
        run: networkId(CHAIN_ID, PARTICIPATION, SWARM),
        device: key.address,
        round,
        seed: seedFor(round),
        checkpointRoot,
        rolloutDigest,
        signature,
        previousRoot,
        checkpoint,
        rollouts,
        foreign: others.map((cid) => ({
          cid,
          author: foreign.find((other) => other.cid === cid)?.author ?? null,
        })),
        engine: 'reference',
      };
      await archive.save(record);
      done.push(record);
    }
    records.push(done);
  }
  for (const host of hosts) await host.stop();
  await content.stop();
  return { archive, archivePath, modelPath, keys, records };
}
