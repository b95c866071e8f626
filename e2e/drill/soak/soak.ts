import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { createPublicClient, type Hex, http } from 'viem';
import config from '../../../playwright.config.ts';
import { must } from '../../../protocol/must.ts';
import { requireChromium } from '../../../protocol/testing/chromium.ts';
import { systemScheduler, wait } from '../../../swarm/scheduler.ts';
import { attestationsOf } from '../../support/attestations.ts';
import { type Devnet, startDevnet } from '../../support/devnet.ts';
import { Tab } from '../../support/tab.ts';
import { type MemorySample, sampleOf } from './member-memory.ts';
import { countRounds } from './missed-rounds.ts';
import { measureProcesses, probedEnvironment } from './node-memory.ts';
import { measureTabs } from './tab-memory.ts';

/** Memory is measured first at this minute, or at a tenth of a shorter soak. */
const FIRST_MINUTE = 10;
const MINUTE_MS = 60_000;
const LOOK_MS = 5_000;
/** Rounds until the first attestation of each member, at most. */
const PATIENCE_ROUNDS = 12;
/** Rounds until the chain has what a round came to. */
const SETTLING_ROUNDS = 3;
/** What the programs of a swarm print when something went wrong. */
const TROUBLE = /\bfailed\b|has stopped|ALARM|Error\b/;

export interface SoakOptions {
  readonly minutes: number;
  readonly volunteers: number;
  readonly tabs: number;
  readonly roundSeconds: number;
  readonly onSample: (sample: MemorySample) => void;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What a whole soak comes to. Heaps are those of all processes and tabs together. */
export interface SoakSummary {
  /** From the first in which every member took part. */
  readonly rounds: number;
  /** Attestations that are not on the chain. */
  readonly missed: number;
  readonly heapStartMiB: number;
  readonly heapEndMiB: number;
  readonly rssEndMiB: number;
  readonly errors: number;
}

/** The swarm did not begin. The message says who was missing. */
export class SoakError extends Error {
  override readonly name = 'SoakError';
}

/**
 * Runs a local network with volunteers and tabs, measures memory of all long-lived processes at each tenth,
 * and compares what is on the chain with what had to be. Rejects with SoakError and MemoryProbeError.
 */
export async function soak(options: SoakOptions): Promise<SoakSummary> {
  const { minutes, volunteers, roundSeconds, say, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'starling-soak-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const devnet = await startDevnet({
      arguments: ['--volunteers', String(volunteers), '--round', String(roundSeconds)],
      environment: probedEnvironment(folder),
    });
    closing.push(() => devnet.stop());
    // Ends what waits for the network's lines.
    signal.addEventListener('abort', () => void devnet.stop());
    signal.throwIfAborted();
    const { executablePath = requireChromium(), args = [] } = config.use?.launchOptions ?? {};
    const browser = await chromium.launch({ executablePath, args: [...args] });
    closing.push(() => browser.close());
    const tabs: Tab[] = [];
    for (let number = 1; number <= options.tabs; number++) {
      const context = await browser.newContext({ reducedMotion: 'reduce' });
      const tab = await Tab.open(context, devnet.network.page, { name: `tab ${number}`, engine: 'wasm' });
      await tab.contribute();
      tabs.push(tab);
    }
    const devices = [
      ...(await volunteersOf(devnet, volunteers)),
      ...(await Promise.all(tabs.map((tab) => tab.deviceAddress()))),
    ];
    const client = createPublicClient({ transport: http(devnet.network.rpc) });
    const attested = (): Promise<readonly (readonly number[])[]> =>
      Promise.all(
        devices.map(async (device) => {
          const attestations = await attestationsOf(client, devnet.network, device);
          return attestations.map(({ round }) => round);
        }),
      );
    await allBegun(attested, devices, { roundSeconds, signal });
    say(`${devices.length} members have their first round on the chain.`);

    const begun = performance.now();
    const step = Math.min(FIRST_MINUTE, minutes / 10);
    const samples: MemorySample[] = [];
    for (let minute = step; minute <= minutes + step / 100; minute += step) {
      await wait(systemScheduler, begun + minute * MINUTE_MS - performance.now(), signal);
      const members = [...(await measureProcesses(folder)), ...(await measureTabs(browser, tabs))];
      const sample = sampleOf(Math.round((10 * (performance.now() - begun)) / MINUTE_MS) / 10, members);
      samples.push(sample);
      options.onSample(sample);
    }
    const last = Math.max(...(await attested()).flat());
    await wait(systemScheduler, SETTLING_ROUNDS * roundSeconds * 1000, signal);
    const onChain = await attested();
    const { rounds, missed } = countRounds(onChain, last);
    say('The members have on the chain:');
    for (const [index, own] of onChain.entries()) say(`  ${must(devices, index)}: rounds ${own.join(' ')}`);
    const troubles = troublesOf(devnet, tabs);
    for (const line of troubles) say(line);
    const end = must(samples, samples.length - 1);
    return {
      ...{ rounds, missed },
      heapStartMiB: must(samples, 0).heapMiB,
      heapEndMiB: end.heapMiB,
      rssEndMiB: end.rssMiB,
      errors: troubles.length,
    };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

/** Waits until every volunteer has said who it is. */
async function volunteersOf(devnet: Devnet, volunteers: number): Promise<readonly Hex[]> {
  const devices: Hex[] = [];
  for (let number = 1; number <= volunteers; number++) {
    const joined = new RegExp(`volunteer ${number}: (0x[0-9a-fA-F]{40}) computes`);
    const device = joined.exec(await devnet.waitForLine(joined))?.[1];
    if (device === undefined)
      throw new SoakError(`Volunteer ${number} did not say who it is. Look at its lines.`);
    devices.push(device.toLowerCase() as Hex);
  }
  return devices;
}

async function allBegun(
  attested: () => Promise<readonly (readonly number[])[]>,
  devices: readonly Hex[],
  { roundSeconds, signal }: Pick<SoakOptions, 'roundSeconds' | 'signal'>,
): Promise<void> {
  let missing: readonly Hex[] = devices;
  for (let waited = 0; waited < PATIENCE_ROUNDS * roundSeconds * 1000; waited += LOOK_MS) {
    const rounds = await attested();
    missing = devices.filter((_, index) => must(rounds, index).length === 0);
    if (missing.length === 0) return;
    await wait(systemScheduler, LOOK_MS, signal);
  }
  throw new SoakError(
    `${missing.join(', ')} had nothing on the chain after ${PATIENCE_ROUNDS} rounds. Take longer ones with --round.`,
  );
}

/** What went wrong, as the programs and the pages say it. */
function troublesOf(devnet: Devnet, tabs: readonly Tab[]): readonly string[] {
  return [
    ...devnet
      .output()
      .split('\n')
      .filter((line) => TROUBLE.test(line)),
    ...tabs.flatMap(({ name, errors }) => errors.map((error) => `${name}: ${error}`)),
  ];
}
