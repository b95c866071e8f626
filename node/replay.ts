/**
 * `npm run replay`: recomputes a round from what was published, or a run in blocks from its specification.
 * Ends with 0 for the same bits, 1 for other bits, 2 otherwise.
 */
import '../swarm/node20.ts';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { sleep } from '../chain/sleep.ts';
import type { Engine } from '../compute/engines/engine.ts';
import { availableCandidates, chooseEngine } from '../models/engine-choice/choose.ts';
import { folderSource } from '../models/loading/folder-source.ts';
import { openArchiveFolder } from './archive/archive-folder.ts';
import { runProcess } from './home/command-line.ts';
import { DEFAULT_MODEL } from './home/model-folder.ts';
import { readNetworkFile } from './home/network-file.ts';
import { askForState } from './replay/ask-for-state.ts';
import { replayBlockSwarm, runInWords } from './replay/block-swarm.ts';
import { checkChain, checkSignature } from './replay/check-attestation.ts';
import { dataSetFiles } from './replay/data-set-files.ts';
import { findRecord } from './replay/find-record.ts';
import { replayRecord } from './replay/replay-record.ts';
import { parseReplaySettings, REPLAY_HELP, type ReplaySettings } from './replay/settings.ts';
import { verdictInWords } from './replay/verdict-in-words.ts';
import { networkOfSwarm } from './swarms/find-swarm.ts';

/** Where this device keeps what it has. */
const STATE = process.env.STARLING_HOME ?? '.starling';

await runProcess(async (signal) => {
  const settings = parseReplaySettings(process.argv.slice(2), STATE);
  if (settings === undefined) {
    console.log(REPLAY_HELP);
    return 0;
  }
  const { meant } = settings;
  switch (meant.kind) {
    case 'list':
      return list(resolve(settings.values.archive));
    case 'attestation':
      return replayAttestation(settings, meant.name, signal);
    case 'run':
      return replayWholeRun(settings, meant, signal);
  }
});

async function list(folder: string): Promise<number> {
  const entries = await (await openArchiveFolder(folder)).list();
  for (const { device, round } of entries) console.log(`${device}:${round}`);
  if (entries.length === 0) console.log(`Nothing is archived in ${folder} yet.`);
  return 0;
}

async function engineOf({ engine, threads }: ReplaySettings, signal: AbortSignal): Promise<Engine> {
  const chosen = await chooseEngine({
    choice: engine,
    candidates: availableCandidates({ threads, gpu: undefined, allowSoftwareGpu: false }),
    userAgent: `node ${process.version}`,
    now: () => performance.now(),
    signal,
  });
  return chosen.engine;
}

async function replayWholeRun(
  settings: ReplaySettings,
  { swarm, steps }: { readonly swarm: string; readonly steps: number },
  signal: AbortSignal,
): Promise<number> {
  const { network: file = `${STATE}/devnet.json`, model, data } = settings.values;
  const network = networkOfSwarm(await readNetworkFile(file), swarm);
  const engine = await engineOf(settings, signal);
  try {
    const findings = await replayBlockSwarm({
      ...{ network, home: STATE, model, data, engine, steps, signal },
      say: (line) => console.log(line),
    });
    for (const line of runInWords(findings)) console.log(line);
    if (findings.length === 0) return 2;
    return findings.every(({ kind }) => kind === 'same') ? 0 : 1;
  } finally {
    await engine.stop();
  }
}

async function replayAttestation(
  settings: ReplaySettings,
  name: string,
  signal: AbortSignal,
): Promise<number> {
  const { values } = settings;
  const { model = DEFAULT_MODEL, data = `${STATE}/data` } = values;
  const archive = await openArchiveFolder(resolve(values.archive));
  const record = await findRecord(archive, name);
  const engine = await engineOf(settings, signal);
  console.log(`recomputing round ${record.round} of ${record.device} on ${engine.description} ...`);
  try {
    const states =
      values.state === undefined ? [] : [new Uint8Array(await readFile(resolve(values.state), { signal }))];
    const replay = () =>
      replayRecord({
        ...{ record, archive, engine, states, signal },
        model: folderSource(resolve(model)),
        dataSetFiles: (tasks) => dataSetFiles(tasks, resolve(data)),
        onBetween: (rounds) =>
          console.log(
            `training rounds ${rounds.join(', ')} again: no later checkpoint before it is kept ...`,
          ),
      });
    let verdict = await replay();
    const wanted = 'wanted' in verdict ? verdict.wanted : undefined;
    if (values.ask && wanted !== undefined) {
      console.log(`asking for the checkpoint after round ${wanted.round} ...`);
      if (await askForState({ archive, wanted, sleep, signal })) verdict = await replay();
      else console.log('No archive of a running network could fetch it.');
    }
    console.log(verdictInWords(record.device, verdict));
    const signature = await checkSignature(record);
    console.log(`attestation: ${signature.sentence}`);
    const network = await readNetworkFile(values.network ?? `${STATE}/devnet.json`).catch((error) => {
      // Only a network that was asked for must be there.
      if (values.network !== undefined) throw error;
    });
    const chain = network === undefined ? undefined : await checkChain(record, network, signal);
    if (chain !== undefined) console.log(`attestation: ${chain.sentence}`);
    if (verdict.kind === 'impossible') return 2;
    return verdict.kind === 'same' && signature.good && chain?.good !== false ? 0 : 1;
  } finally {
    await engine.stop();
  }
}
