/**
 * `npm run replay`: recomputes a round from what was published. Ends with 0 for the same bits, 1 for other
 * bits, 2 otherwise.
 */
import '../swarm/node20.ts';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { sleep } from '../chain/sleep.ts';
import { availableCandidates, chooseEngine } from '../models/engine-choice/choose.ts';
import { folderSource } from '../models/loading/folder-source.ts';
import { openArchiveFolder } from './archive/archive-folder.ts';
import { oneOf, parseCommandLine, runProcess, UsageError, wholeNumber } from './home/command-line.ts';
import { DEFAULT_MODEL } from './home/model-folder.ts';
import { readNetworkFile } from './home/network-file.ts';
import { askForState } from './replay/ask-for-state.ts';
import { checkChain, checkSignature } from './replay/check-attestation.ts';
import { dataSetFiles } from './replay/data-set-files.ts';
import { findRecord } from './replay/find-record.ts';
import { replayRecord } from './replay/replay-record.ts';
import { verdictInWords } from './replay/verdict-in-words.ts';

const HELP = `npm run replay -- <attestation> [options]

Recomputes one device's round from what was published and says "same bits", or the first round and tensor that differ.
The attestation is <device>:<round> ("last" for the round, a unique beginning of the address will do) or a record file.

  --archive DIR    where published rounds are (default .starling/archive)
  --network FILE   to look the attestation up on the chain (default .starling/devnet.json, where it is there)
  --engine NAME    what to recompute on: wasm or reference (default wasm)
  --threads N      threads of the wasm engine (default 1)
  --model DIR      the model that the device began with (default public/models/nano)
  --data DIR       where the files of the swarm's data sets are (default .starling/data)
  --ask            has a running network's archive fetch a checkpoint that is not kept, and waits for it (2 minutes at most)
  --state FILE     a checkpoint that the archive does not keep, such as one of a volunteer's kept/ folder
  --list           say what is archived

Ends with 0 for the same bits, 1 when something differs, 2 when it cannot be replayed.`;

await runProcess(async (signal) => {
  const state = process.env.STARLING_HOME ?? '.starling';
  const { values, positionals } = parseCommandLine(
    {
      allowPositionals: true,
      options: {
        archive: { type: 'string', default: `${state}/archive` },
        network: { type: 'string' },
        engine: { type: 'string', default: 'wasm' },
        threads: { type: 'string', default: '1' },
        model: { type: 'string', default: DEFAULT_MODEL },
        data: { type: 'string', default: `${state}/data` },
        ask: { type: 'boolean', default: false },
        state: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const archive = await openArchiveFolder(resolve(values.archive));
  if (values.list) {
    const entries = await archive.list();
    for (const { device, round } of entries) console.log(`${device}:${round}`);
    if (entries.length === 0) console.log(`Nothing is archived in ${resolve(values.archive)} yet.`);
    return 0;
  }
  const [meant, ...more] = positionals;
  if (meant === undefined || more.length > 0) throw new UsageError(HELP);
  const record = await findRecord(archive, meant);

  const { engine } = await chooseEngine({
    choice: oneOf('--engine', values.engine, ['wasm', 'reference']),
    candidates: availableCandidates({
      threads: wholeNumber('--threads', values.threads, 1, 64),
      gpu: undefined,
      allowSoftwareGpu: false,
    }),
    userAgent: `node ${process.version}`,
    now: () => performance.now(),
    signal,
  });
  console.log(`recomputing round ${record.round} of ${record.device} on ${engine.description} ...`);
  try {
    const states =
      values.state === undefined ? [] : [new Uint8Array(await readFile(resolve(values.state), { signal }))];
    const replay = () =>
      replayRecord({
        ...{ record, archive, engine, states, signal },
        model: folderSource(resolve(values.model)),
        dataSetFiles: (tasks) => dataSetFiles(tasks, resolve(values.data)),
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
    const network = await readNetworkFile(values.network ?? `${state}/devnet.json`).catch((error) => {
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
});
