import type { Hex } from '../../protocol/hex.ts';
import { fromHex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type {
  Ballot,
  Judgement,
  PeerRollouts,
  RoundContext,
  RoundOutcome,
  Trainer,
} from '../../protocol/trainer.ts';
import { type Scheduler, wait } from '../scheduler.ts';

export interface ScriptedTrainerOptions {
  readonly scheduler: Scheduler;
  /** Milliseconds that an answer takes. Defaults to 1,000. */
  readonly answerMs?: number;
  /** Milliseconds that training takes. Defaults to 2,000. */
  readonly trainMs?: number;
  /** Called before each training, which fails when it throws. */
  readonly beforeTraining?: (context: RoundContext) => void;
  /** Called before each answer, which fails when it throws. */
  readonly beforeAnswer?: (context: RoundContext) => void;
  /** Text of completions. Longer texts make larger rollout sets. */
  readonly text?: (context: RoundContext, item: number) => string;
}

/**
 * A trainer without a model. Its answers and its checkpoint follow from seed, device and the rollouts that it
 * trained on.
 */
export class ScriptedTrainer implements Trainer {
  readonly trained: { readonly round: number; readonly cids: readonly string[] }[] = [];
  readonly #options: ScriptedTrainerOptions;
  root: Hex = toHex(sha256Of(new TextEncoder().encode('initial')));

  constructor(options: ScriptedTrainerOptions) {
    this.#options = options;
  }

  async prompts() {
    return [
      { task: 'sum', prompt: '1+1=', answer: '2' },
      { task: 'sum', prompt: '2+2=', answer: '4' },
    ];
  }

  async answer(context: RoundContext, signal: AbortSignal) {
    this.#options.beforeAnswer?.(context);
    await wait(this.#options.scheduler, this.#options.answerMs ?? 1_000, signal);
    const draw = sha256Of(fromHex(context.seed), fromHex(context.device));
    const groups = [0, 1].map((item) => ({
      item,
      completions: [
        {
          text: this.#options.text?.(context, item) ?? String(draw[item]),
          tokens: [draw[item] ?? 0, 1],
          logprobs: [-0.5, Math.fround(-((draw[item + 2] ?? 0) + 1) / 256)],
        },
      ],
    }));
    return { author: context.device, modelRoot: this.root, groups };
  }

  async critique(context: RoundContext, others: readonly PeerRollouts[]): Promise<readonly Judgement[]> {
    return firstAnswers(others)
      .filter(({ author }) => author !== context.device)
      .map((answer) => ({ ...answer, text: 'The sum is right.', right: true }));
  }

  /** Votes for the first other that answers each item, and corrects its own first answer. */
  async vote(context: RoundContext, all: readonly PeerRollouts[]) {
    const answers = firstAnswers(all);
    const items = new Set<number>();
    const ballots = answers.filter(
      ({ author, item }) => author !== context.device && !items.has(item) && items.add(item),
    );
    const own = answers.find(({ author }) => author === context.device);
    return { ballots, corrections: own === undefined ? [] : [{ item: own.item, text: '2' }] };
  }

  async train(
    context: RoundContext,
    own: PeerRollouts,
    foreign: readonly PeerRollouts[],
    signal: AbortSignal,
  ): Promise<RoundOutcome> {
    if (this.trained.some(({ round }) => round === context.round)) {
      throw new Error(`Round ${context.round} was already trained.`);
    }
    this.#options.beforeTraining?.(context);
    await wait(this.#options.scheduler, this.#options.trainMs ?? 2_000, signal);
    const trainedOn = [own, ...foreign].map(({ cid }) => cid);
    const previousRoot = this.root;
    const checkpoint = sha256Of(fromHex(previousRoot), new TextEncoder().encode(trainedOn.join(' ')));
    this.root = toHex(checkpoint);
    this.trained.push({ round: context.round, cids: trainedOn });
    const checkpointRoot = this.root;
    return {
      previousRoot,
      checkpointRoot,
      checkpoint,
      trainedOn,
      optimizerSteps: 1,
      meanReward: 0.5,
      heldOutAccuracy: 0.25,
      loss: 1,
    };
  }
}

/** The first completion of each author that has one. */
function firstAnswers(peers: readonly PeerRollouts[]): readonly Ballot[] {
  return peers.flatMap(({ author, set }) => {
    const group = set.groups.find(({ completions }) => completions.length > 0);
    return group === undefined ? [] : [{ item: group.item, author, sample: 0 }];
  });
}
