import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemScheduler, wait } from '../../../swarm/scheduler.ts';
import { startDevnet } from '../../support/devnet.ts';
import { stopChildren } from '../stop-children.ts';
import type { LearnerReport, LearnerSettings } from './learner-messages.ts';
import { type LearnedRound, type LearningSummary, summarize } from './learning-summary.ts';
import { openLearningSwarms, writeStartModel } from './learning-swarms.ts';

const PROGRAM = fileURLToPath(new URL('./learner-process.ts', import.meta.url));
const LOOK_MS = 1_000;
/** Rounds beyond those that count in which members start and slow ones catch up. */
const SPARE_ROUNDS = 12;

export interface LearningOptions {
  /** Members of the swarm that shares. */
  readonly members: number;
  /** Members that are each alone in a swarm. */
  readonly alone: number;
  readonly rounds: number;
  readonly roundSeconds: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A member ended by itself. The message says which one; its own lines say why. */
export class LearningDrillError extends Error {
  override readonly name = 'LearningDrillError';
}

interface Learner {
  readonly name: string;
  readonly child: ChildProcess;
  readonly rounds: LearnedRound[];
}

/**
 * A local network with one swarm of several members and swarms of one member each, all from the same model
 * and with the same settings. Resolves when every member has had its rounds, or when there were far more
 * rounds than that. Rejects with LearningDrillError when a member ends early.
 */
export async function learningDrill(options: LearningOptions): Promise<LearningSummary> {
  const { members, alone, rounds, roundSeconds, say, signal } = options;
  const folder = await mkdtemp(join(tmpdir(), 'starling-learning-'));
  const closing: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const model = join(folder, 'model');
    await writeStartModel(model);
    signal.throwIfAborted();
    const devnet = await startDevnet({ arguments: ['--volunteers', '0', '--round', String(roundSeconds)] });
    closing.push(() => devnet.stop());
    signal.throwIfAborted();
    const { network } = devnet;
    const [shared, ...own] = await openLearningSwarms({
      ...{ network, model, roundSeconds, signal },
      count: 1 + alone,
    });
    if (shared === undefined) throw new RangeError('At least one swarm has to be opened.');
    const learners: Learner[] = [];
    closing.push(() => stopChildren(learners.map(({ child }) => child)));
    let trouble: string | undefined;
    let failures = 0;
    const startLearner = (name: string, swarm: number): void => {
      const settings: LearnerSettings = {
        ...{ model, home: join(folder, name.replaceAll(' ', '-')) },
        network: { ...network, swarm },
      };
      const child = fork(PROGRAM, [JSON.stringify(settings)], { execArgv: process.execArgv });
      const learner: Learner = { name, child, rounds: [] };
      learners.push(learner);
      child.on('message', (message: unknown) => {
        const report = message as LearnerReport;
        if (report.kind === 'trained') learner.rounds.push(report);
        else {
          failures++;
          say(`${name}: ${report.cause}`);
        }
      });
      child.on('exit', (code) => {
        trouble ??= `${name} ended early with code ${code}.`;
      });
    };
    for (let number = 1; number <= members; number++) startLearner(`member ${number}`, shared);
    for (const [index, swarm] of own.entries()) startLearner(`alone ${index + 1}`, swarm);
    const fewest = (): number => Math.min(...learners.map((learner) => learner.rounds.length));
    const end = systemScheduler.now() + (rounds + SPARE_ROUNDS) * roundSeconds * 1_000;
    for (let said = 0; fewest() < rounds && systemScheduler.now() < end; ) {
      await wait(systemScheduler, LOOK_MS, signal);
      if (trouble !== undefined) throw new LearningDrillError(trouble);
      if (fewest() < said + 5) continue;
      said = fewest();
      const { together, alone: apart } = summaryOf(learners, members, said, failures);
      say(`${said} rounds: ${percent(together)} together, ${percent(apart)} alone.`);
    }
    return summaryOf(learners, members, rounds, failures);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

function summaryOf(
  learners: readonly Learner[],
  members: number,
  rounds: number,
  failures: number,
): LearningSummary {
  return summarize({
    together: learners.slice(0, members).map((learner) => learner.rounds),
    alone: learners.slice(members).map((learner) => learner.rounds),
    ...{ rounds, failures },
  });
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
