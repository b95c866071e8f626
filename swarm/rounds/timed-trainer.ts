import type { RoundContext, Trainer } from '../../protocol/trainer.ts';

/** A trainer, and how long its calls took. */
export interface TimedTrainer {
  readonly trainer: Trainer;
  /** Milliseconds that the calls for this round took so far. 0 for a round that is not the latest. */
  msOf(round: number): number;
}

/** Times a trainer's calls of each round. `now` is in ms. A call that fails counts too. */
export function timedTrainer(trainer: Trainer, now: () => number): TimedTrainer {
  let latest = -1;
  let spent = 0;
  const timed = async <T>({ round }: RoundContext, call: () => Promise<T>): Promise<T> => {
    if (round !== latest) {
      latest = round;
      spent = 0;
    }
    const began = now();
    try {
      return await call();
    } finally {
      if (round === latest) spent += now() - began;
    }
  };
  return {
    trainer: {
      prompts: (context) => timed(context, () => trainer.prompts(context)),
      answer: (context, signal) => timed(context, () => trainer.answer(context, signal)),
      critique: (context, others, signal) => timed(context, () => trainer.critique(context, others, signal)),
      vote: (context, all, critiques, signal) =>
        timed(context, () => trainer.vote(context, all, critiques, signal)),
      train: (context, own, foreign, signal) =>
        timed(context, () => trainer.train(context, own, foreign, signal)),
    },
    msOf: (round) => (round === latest ? spent : 0),
  };
}
