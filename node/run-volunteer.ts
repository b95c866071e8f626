/** `npm run volunteer`: a volunteer without a page, until it is told to stop. */
import '../swarm/node20.ts';
import { resolve } from 'node:path';
import { aborted, oneOf, parseCommandLine, runProcess, wholeNumber } from './home/command-line.ts';
import { DEFAULT_MODEL } from './home/model-folder.ts';
import { readNetworkFile } from './home/network-file.ts';
import { startVolunteer, type VolunteerEvent } from './volunteer.ts';

const HELP = `npm run volunteer -- [options]

Trains in the swarm without a page, with the same key, rounds and messages as a tab.

  --network FILE|URL   the network (default .starling/devnet.json, or $STARLING_HOME/devnet.json)
  --home DIR           key and checkpoints of this device (default .starling/volunteer)
  --engine NAME        auto, wasm, webgpu or reference (default auto)
  --threads N          threads of the wasm engine (default 1)
  --model DIR          the published model (default public/models/nano)
  --critic FILE        a frozen .onnx model that judges others' answers (default: the model in training)`;

await runProcess(async (signal) => {
  const state = process.env.STARLING_HOME ?? '.starling';
  const { values } = parseCommandLine(
    {
      options: {
        network: { type: 'string', default: `${state}/devnet.json` },
        home: { type: 'string', default: `${state}/volunteer` },
        engine: { type: 'string', default: 'auto' },
        threads: { type: 'string', default: '1' },
        model: { type: 'string', default: DEFAULT_MODEL },
        critic: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    HELP,
  );
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const volunteer = await startVolunteer({
    network: await readNetworkFile(values.network),
    home: resolve(values.home),
    engine: oneOf('--engine', values.engine, ['auto', 'wasm', 'webgpu', 'reference']),
    threads: wholeNumber('--threads', values.threads, 1, 64),
    model: resolve(values.model),
    critic: values.critic,
    onEvent: (event) => {
      const line = inWords(event);
      if (line !== undefined) console.log(line);
    },
    signal,
  });
  await aborted(signal);
  await volunteer.stop();
  return 0;
});

function inWords(event: VolunteerEvent): string | undefined {
  switch (event.kind) {
    case 'notice':
      return event.text;
    case 'joined':
      return `${event.device} computes with ${event.engine}; next round to train: ${event.cursor} or later`;
    case 'round': {
      const { event: round } = event;
      if (round.kind === 'trained') {
        const percent = (share: number) => `${Math.round(share * 100)} %`;
        return `round ${round.round}: own answers ${percent(round.meanReward)} right, held-out ${percent(round.heldOutAccuracy)}, trained with ${round.foreign} other peers, checkpoint ${round.checkpointRoot.slice(0, 10)}`;
      }
      if (round.kind === 'failed') return `round ${round.round} failed: ${round.cause}`;
      return undefined;
    }
  }
}
