/**
 * A judge and questions that every host must score alike. It reads no file, so that it also runs in a page.
 */
import { NANO_CONFIG } from '../../decoder/config.ts';
import { exportDecoder } from '../export-decoder.ts';
import type { Question } from '../frozen-judge.ts';
import { concatenated } from '../protobuf.ts';
import { randomModel, randomTokens } from './models.ts';

/** The judge's file: a random model of the nano shape. */
export function judgeModel(): Uint8Array {
  return concatenated(exportDecoder({ ...randomModel(NANO_CONFIG), arithmetic: 'f32' }));
}

export const QUESTIONS: readonly Question[] = randomTokens(NANO_CONFIG.vocabulary, 6, 24).map(
  (tokens, i) => ({
    prompt: tokens.slice(0, 1 + 3 * i),
    answer: tokens.slice(1 + 3 * i),
  }),
);
