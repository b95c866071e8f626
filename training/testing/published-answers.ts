import type { DeviceAddress } from '../../protocol/hex.ts';
import { must } from '../../protocol/must.ts';
import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import type { LearningSettings } from '../learning-settings.ts';
import { openRound } from '../open-round.ts';
import type { PromptFormat } from '../prompt-format.ts';
import type { TaskSource } from '../tasks/task-source.ts';

/**
 * Rollouts that a peer might publish: two completions for every item that it draws. The first has the right
 * answer or `text`, and the second a wrong answer or `text`.
 */
export function publishedAnswers(options: {
  readonly author: DeviceAddress;
  readonly context: RoundContext;
  readonly settings: LearningSettings;
  readonly tasks: TaskSource;
  readonly format: PromptFormat;
  /** Defaults to the right answer of each item, then `0`, which is never right. */
  readonly text?: string;
}): PeerRollouts {
  const { author, context, settings, tasks, format } = options;
  const round = openRound(context, settings, tasks);
  const completion = (text: string) => {
    const tokens = [...format.encode(text), format.endToken];
    return { text, tokens, logprobs: tokens.map(() => -1) };
  };
  const groups = round.drawOf(author).map((item) => {
    const { answer } = must(round.items, item);
    return { item, completions: [completion(options.text ?? answer), completion(options.text ?? '0')] };
  });
  return { author, cid: `cid-${author}`, set: { author, modelRoot: `0x${'00'.repeat(32)}`, groups } };
}
