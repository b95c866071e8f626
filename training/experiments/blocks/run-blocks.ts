/** Runs the arms of the experiment, one after another, in parts that are kept. */
import { join } from 'node:path';
import type { Engine } from '../../../compute/engines/engine.ts';
import { durationText, startForecast } from '../../forecast.ts';
import { StoredParts } from '../stored-parts.ts';
import { type Arm, ArmRun, type BlocksSettings, pathsWithout } from './arms.ts';
import { forgetArm, storeArm, storedArm } from './stored-arm.ts';

/** What came out of an arm with one seed. Losses are in nats a token on held-out text. */
export interface ArmResult {
  readonly arm: Arm;
  readonly seed: number;
  readonly heldOut: number;
  /** With two and three of the five skippable stages missing: the mean over all such paths. */
  readonly missing: { readonly two: number; readonly three: number } | undefined;
  /** Mean training loss of each ten steps. */
  readonly losses: readonly number[];
  readonly spreads: readonly (readonly [before: number, after: number])[];
  /** Blocks that were lost and repaired. */
  readonly repairs: number;
  readonly seconds: number;
}

export interface RunBlocksOptions {
  readonly engine: Engine;
  readonly settings: BlocksSettings;
  readonly arms: readonly Arm[];
  readonly seeds: readonly number[];
  /** Where parts are kept. */
  readonly folder: string;
  readonly print: (line: string) => void;
  /** Milliseconds. */
  readonly now: () => number;
  /** Steps between two saves of an arm. Defaults to 25. */
  readonly saveEvery?: number;
  /** Steps between two lines of progress. Defaults to 10. */
  readonly lineEvery?: number;
  /** Gives what is finished, and computes nothing. Defaults to false. */
  readonly report?: boolean;
  /** Aborts between two steps, after which the same call goes on. */
  readonly signal?: AbortSignal;
}

/** Runs every arm with every seed, all arms of the first seed first. */
export async function runBlocks(options: RunBlocksOptions): Promise<readonly ArmResult[]> {
  const { arms, seeds, settings, folder, print, now } = options;
  const parts = new StoredParts(folder);
  const forecast = startForecast(now);
  const results: ArmResult[] = [];
  const all = seeds.flatMap((seed) => arms.map((arm) => ({ arm, seed })));
  for (const [place, { arm, seed }] of all.entries()) {
    const part = `blocks ${settings.size} ${arm} ${seed}`;
    const known = await parts.known<ArmResult>(part, settings);
    if (known !== undefined) results.push(known);
    if (known !== undefined || options.report === true) continue;
    const armsAfter = all.length - place - 1;
    const result = await parts.part(part, settings, () =>
      runArm(options, { arm, seed, path: join(folder, `${part.replaceAll(' ', '-')}.state`) }, (left) => {
        forecast.stepDone();
        return forecast.remaining(left + armsAfter * settings.steps);
      }),
    );
    print(`${arm}, seed ${seed}: held-out perplexity ${Math.exp(result.heldOut).toFixed(3)}`);
    results.push(result);
  }
  return results;
}

async function runArm(
  options: RunBlocksOptions,
  { arm, seed, path }: { readonly arm: Arm; readonly seed: number; readonly path: string },
  /** Notes a step, and gives the seconds that are left after `left` steps of this arm and all others. */
  stepDone: (left: number) => number,
): Promise<ArmResult> {
  const { engine, settings, print, now, saveEvery = 25, lineEvery = 10, signal } = options;
  const key = { arm, seed, settings };
  const from = await storedArm(path, key);
  const run = new ArmRun({ engine, arm, seed, settings, from });
  try {
    await run.begin();
    if (from !== undefined) print(`${arm}, seed ${seed}: goes on after step ${from.step}`);
    const begun = now();
    while (run.step < settings.steps) {
      signal?.throwIfAborted();
      const loss = await run.advance();
      const left = stepDone(settings.steps - run.step);
      if (run.step % lineEvery === 0) {
        print(
          `${arm}, seed ${seed}, step ${run.step} of ${settings.steps}: loss ${loss.toFixed(3)}, ` +
            `about ${durationText(left)} left`,
        );
      }
      if (run.step % saveEvery === 0) await storeArm(path, key, await run.state());
    }
    const seconds = (now() - begun) / 1000;
    const { losses, spreads, repairs } = await run.state();
    const missing =
      arm === 'full' || arm === 'skip'
        ? { two: await meanWithout(run, 2), three: await meanWithout(run, 3) }
        : undefined;
    const heldOut = await run.heldOut();
    await forgetArm(path);
    return { arm, seed, heldOut, missing, losses, spreads, repairs: repairs.length, seconds };
  } finally {
    run.dispose();
  }
}

async function meanWithout(run: ArmRun, missing: number): Promise<number> {
  const paths = pathsWithout(missing);
  let sum = 0;
  for (const path of paths) sum += await run.heldOut(path);
  return sum / paths.length;
}
