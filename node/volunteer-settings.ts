/** The command line of `npm run volunteer`. */
import { resolve } from 'node:path';
import { DEFAULT_RETENTION } from '../training/checkpoint-retention.ts';
import { DEFAULT_BLOCK_BYTES } from './blocks/block-bytes.ts';
import { oneOf, parseCommandLine, wholeNumber } from './home/command-line.ts';
import type { VolunteerOptions } from './volunteer.ts';

const MIB = 2 ** 20;

export const VOLUNTEER_HELP = `npm run volunteer -- [options]

Trains in the swarm without a page, with the same key, rounds and messages as a tab.

  --network FILE|URL   the network (default .starling/devnet.json, or $STARLING_HOME/devnet.json)
  --home DIR           key and checkpoints of this device (default .starling/volunteer)
  --engine NAME        auto, wasm, webgpu or reference (default auto)
  --threads N          threads of the wasm engine (default 1)
  --swarm ID|LINK      the swarm, by its number or a link (default: the network's own)
  --model DIR|URL      the model (default: what the swarm's specification names)
  --data DIR           the files of the swarm's questions (default: their addresses, then members)
  --keep N             keeps the first, every Nth and the last of its checkpoints for others (default 10)
  --keep-megabytes N   most megabytes of these together (default 1024; the last one is kept in any case)
  --block-megabytes N  most megabytes of the blocks that it keeps of a model in blocks (default 4096)
  --critic FILE        a frozen .onnx model that judges others' answers (default: the model in training)`;

export interface VolunteerSettings
  extends Pick<
    VolunteerOptions,
    'home' | 'engine' | 'threads' | 'model' | 'data' | 'critic' | 'retention' | 'blockBytes'
  > {
  readonly networkFile: string;
  /** Number or link of the swarm; undefined for the network's own. */
  readonly swarm: string | undefined;
}

/** Reads the command line. `state` is the folder of state. Throws UsageError; undefined asks for help. */
export function parseVolunteerSettings(
  argv: readonly string[],
  state: string,
): VolunteerSettings | undefined {
  const { values } = parseCommandLine(
    {
      args: [...argv],
      options: {
        network: { type: 'string', default: `${state}/devnet.json` },
        home: { type: 'string', default: `${state}/volunteer` },
        engine: { type: 'string', default: 'auto' },
        threads: { type: 'string', default: '1' },
        swarm: { type: 'string' },
        model: { type: 'string' },
        data: { type: 'string' },
        keep: { type: 'string', default: String(DEFAULT_RETENTION.every) },
        'keep-megabytes': { type: 'string', default: String(DEFAULT_RETENTION.quota / MIB) },
        'block-megabytes': { type: 'string', default: String(DEFAULT_BLOCK_BYTES / MIB) },
        critic: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    },
    VOLUNTEER_HELP,
  );
  if (values.help) return undefined;
  return {
    networkFile: values.network,
    swarm: values.swarm,
    home: resolve(values.home),
    engine: oneOf('--engine', values.engine, ['auto', 'wasm', 'webgpu', 'reference']),
    threads: wholeNumber('--threads', values.threads, 1, 64),
    model: values.model === undefined || /^https?:/.test(values.model) ? values.model : resolve(values.model),
    data: values.data,
    critic: values.critic,
    blockBytes: MIB * wholeNumber('--block-megabytes', values['block-megabytes'], 1, 2 ** 30),
    retention: {
      every: wholeNumber('--keep', values.keep, 1, 1_000_000),
      quota: MIB * wholeNumber('--keep-megabytes', values['keep-megabytes'], 0, 2 ** 30),
    },
  };
}
