/** A frozen model as the critic of a round: it writes its most likely restatement of each answer. */

import type { OnnxDecoder } from '../models/onnx/onnx-decoder.ts';
import { must } from '../protocol/must.ts';
import type { Critic } from './critique.ts';
import type { PromptFormat } from './prompt-format.ts';
import { endTokensOf } from './sampling.ts';

export interface FrozenCriticOptions {
  /** The caller closes it. */
  readonly decoder: OnnxDecoder;
  /** The decoder's own. */
  readonly format: PromptFormat;
}

/**
 * Decodes greedily, one prompt at a time. A critique then depends on the model file and the prompt only, and
 * a pinned runtime repeats it (docs/onnx.md). `critique` throws what `OnnxDecoder.forward` throws, and the
 * signal's reason.
 */
export function frozenCritic({ decoder, format }: FrozenCriticOptions): Critic {
  const complete = async (prompt: readonly number[], signal: AbortSignal | undefined): Promise<string> => {
    const tokens: number[] = [];
    let step = await decoder.forward({ tokens: [prompt] });
    while (true) {
      signal?.throwIfAborted();
      const next = argmax(step.logits.subarray(-decoder.vocabulary));
      tokens.push(next);
      if (endTokensOf(format).includes(next) || tokens.length === format.maxTokens.judge) {
        return format.decode(tokens);
      }
      step = await decoder.forward({ tokens: [[next]], cache: step.cache });
    }
  };
  return {
    async critique(questions, signal) {
      const critiques: string[] = [];
      for (const { item, shown } of questions) {
        signal?.throwIfAborted();
        critiques.push(await complete(format.judge(item, shown), signal));
      }
      return critiques;
    },
  };
}

/** Index of the largest value, the first of several. */
function argmax(row: Float32Array): number {
  let best = 0;
  for (let id = 1; id < row.length; id++) if (must(row, id) > must(row, best)) best = id;
  return best;
}
