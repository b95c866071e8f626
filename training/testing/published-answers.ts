import type { DeviceAddress } from '../../protocol/hex.ts';
import type { PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import type { CompletionTokenizer } from '../completion-tokenizer.ts';
import type { LearningSettings } from '../learning-settings.ts';
import { openRound } from '../open-round.ts';

/**
 * Rollouts that a peer might publish: two completions for every item, with the right answer or with `text`.
 */
export function publishedAnswers(options: {
  readonly author: DeviceAddress;
  readonly context: RoundContext;
  readonly settings: LearningSettings;
  readonly tokenizer: CompletionTokenizer;
  /** Defaults to the right answer of each item. */
  readonly text?: string;
}): PeerRollouts {
  const { author, context, settings, tokenizer } = options;
  const groups = openRound(context, settings).items.map(({ answer }, item) => {
    const text = options.text ?? answer;
    const tokens = [...tokenizer.encode(text), tokenizer.endToken];
    const completion = { text, tokens, logprobs: tokens.map(() => -1) };
    return { item, completions: [completion, completion] };
  });
  return { author, cid: `cid-${author}`, set: { author, modelRoot: `0x${'00'.repeat(32)}`, groups } };
}
