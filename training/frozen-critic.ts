/** A frozen model as the critic of the learning rounds: what it says about an answer is its most likely restatement. */

import type { OnnxDecoder } from '../models/onnx/onnx-decoder.ts';
import type { Codec } from './codec.ts';
import { completionText, promptTokens } from './codec.ts';
import type { Critic } from './critique.ts';
import { MAX_COMPLETION_TOKENS } from './prompts.ts';

export interface FrozenCriticOptions {
  /** Belongs to the caller. */
  readonly decoder: OnnxDecoder;
  /** Of the decoder's own tokenizer. */
  readonly codec: Codec;
}

/**
 * Greedy, one prompt at a time, so that what it says depends on the file and the prompt alone and a pinned runtime repeats it
 * (docs/onnx.md). Its calls throw what `OnnxDecoder.forward` throws, and the signal's reason.
 */
export function frozenCritic({ decoder, codec }: FrozenCriticOptions): Critic {
  const speak = async (prompt: string, signal: AbortSignal | undefined): Promise<string> => {
    const said: number[] = [];
    let step = await decoder.forward({ tokens: [promptTokens(codec, prompt)] });
    while (true) {
      signal?.throwIfAborted();
      const next = firstLargest(step.logits.subarray(-decoder.vocabulary));
      said.push(next);
      if (next === codec.endToken || said.length === MAX_COMPLETION_TOKENS)
        return completionText(codec, said);
      step = await decoder.forward({ tokens: [[next]], cache: step.cache });
    }
  };
  return {
    async sayAbout(prompts, signal) {
      const words: string[] = [];
      for (const prompt of prompts) {
        signal?.throwIfAborted();
        words.push(await speak(prompt, signal));
      }
      return words;
    },
  };
}

function firstLargest(row: Float32Array): number {
  let best = 0;
  for (let id = 1; id < row.length; id++) if ((row[id] ?? 0) > (row[best] ?? 0)) best = id;
  return best;
}
