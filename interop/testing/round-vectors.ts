import { readFile, writeFile } from 'node:fs/promises';
import { attestationDigest, voteDigest } from '../../chain/ledger.ts';
import { readingAt } from '../../chain/schedule.ts';
import { deviceKey } from '../../protocol/device-key.ts';
import { fromHex, type Hex, toHex } from '../../protocol/hex.ts';
import { philox4x32, RandomStream } from '../../protocol/philox.ts';
import { DEFAULT_SETTINGS } from '../../training/learning-settings.ts';
import { openRound } from '../../training/open-round.ts';
import { openTasks } from '../../training/tasks/task-source.ts';

const FILE = new URL('../../docs/vectors/rounds.json', import.meta.url);

const key = deviceKey(new Uint8Array(32).fill(7));
const other = deviceKey(new Uint8Array(32).fill(8));
const SCHEDULE = {
  genesis: 1_800_000_000,
  seconds: { answer: 8, critique: 5, vote: 7 },
  genesisSeed: `0x${'5e'.repeat(32)}`,
} as const;
/** Around the borders of stages and rounds, and before the first round. */
const MOMENTS = [-5_000, 0, 7_999, 8_000, 12_999, 13_000, 19_999, 20_000, 20_000 * 12_345 + 9_000];
const CHAIN_ID = 31337;
const LOCATION = { participation: '0x00000000000000000000000000000000000000aa', swarm: 3 } as const;
const [ROOT, DIGEST] = [`0x${'02'.repeat(32)}`, `0x${'03'.repeat(32)}`] as const;

/** Times, seeds, draws, pools and signatures as our rooms make them, for docs/vectors/rounds.json. */
export async function makeRoundVectors() {
  const tasks = await openTasks(DEFAULT_SETTINGS.tasks, new Map());
  const round = 7;
  const seed: Hex = `0x${'5a'.repeat(32)}`;
  const opened = openRound({ round, seed, device: key.address }, DEFAULT_SETTINGS, tasks);
  const name = { seed: fromHex(seed), round, device: key.address, purpose: 'answering' } as const;
  const sequence = RandomStream.named(name).sequence(2, 1);
  const winners = [key.address, other.address].sort();
  const attestation = { round, checkpointRoot: ROOT, rolloutDigest: DIGEST };
  return {
    schedule: SCHEDULE,
    clock: MOMENTS.map((ms) => {
      const { round, stage, sinceStageStart, seed } = readingAt(SCHEDULE, 1000 * SCHEDULE.genesis + ms);
      return { sinceGenesisMs: ms, round, stage, sinceStageMs: sinceStageStart, seed };
    }),
    philox: [
      { counter: [0, 0, 0, 0], key: [0, 0] },
      { counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], key: [0xffffffff, 0xffffffff] },
      { counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], key: [0xa4093822, 0x299f31d0] },
    ].map(({ counter, key }) => ({
      counter,
      key,
      words: philox4x32(counter as [number, number, number, number], key as [number, number]),
    })),
    stream: {
      ...{ purpose: name.purpose, round, device: name.device, seed, item: 2, sample: 1 },
      words: Array.from({ length: 4 }, () => sequence.word()),
      shuffled: sequence.shuffle([0, 1, 2, 3, 4, 5, 6, 7]),
    },
    pool: {
      ...{ seed, generators: DEFAULT_SETTINGS.tasks.generators, count: DEFAULT_SETTINGS.itemsPerRound },
      items: opened.items.map(({ task, difficulty, prompt, answer }) => ({
        ...{ task, difficulty, prompt, answer },
      })),
    },
    drawn: [key.address, other.address].map((device) => ({
      ...{ round, seed, device, count: DEFAULT_SETTINGS.itemsAnswered, items: opened.drawOf(device) },
    })),
    signatures: {
      ...{ secretKey: toHex(key.secret), chainId: CHAIN_ID, ...LOCATION, round },
      vote: { winners, signature: key.signRecoverable(voteDigest(CHAIN_ID, LOCATION, { round, winners })) },
      attestation: {
        ...{ checkpointRoot: ROOT, rolloutDigest: DIGEST },
        signature: key.signRecoverable(attestationDigest(CHAIN_ID, LOCATION, attestation)),
      },
    },
  };
}

export async function readRoundVectors(): Promise<unknown> {
  return JSON.parse(await readFile(FILE, 'utf8'));
}

/** Writes the file again, after a deliberate change of the protocol. */
export async function writeRoundVectors(): Promise<void> {
  await writeFile(FILE, `${JSON.stringify(await makeRoundVectors(), null, 2)}\n`);
}
