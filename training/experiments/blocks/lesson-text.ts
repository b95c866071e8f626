/** Windows of text from the lessons of the micro model, one after another from a seed. */
import type { DecoderConfig } from '../../../models/decoder/config.ts';
import { RandomStream } from '../../../protocol/philox.ts';
import { MICRO_CONFIG, MICRO_LESSONS } from '../../micro-lessons.ts';
import { microExample, microTokenizer } from '../../micro-pretraining.ts';
import { wordsFormat } from '../../words-format.ts';

/** Rows of tokens with the token that follows each. */
export interface Windows {
  readonly rows: number;
  readonly length: number;
  readonly tokens: Uint32Array;
  readonly targets: Uint32Array;
}

export const LESSON_VOCABULARY: DecoderConfig['vocabulary'] = MICRO_CONFIG.vocabulary;

/** Documents that a window may have at most, so that no two windows share one. */
const DOCUMENTS = 64;

/** A source of windows. The window of a number is always the same. */
export interface LessonText {
  windows(first: number, rows: number, length: number): Windows;
}

/**
 * Each window begins with the prompt of a question, goes on with its worked answer, critique or correction,
 * and then with further ones, until it is full.
 */
export function lessonText(name: string): LessonText {
  const format = wordsFormat(microTokenizer());
  const seed = new TextEncoder().encode(name);
  const draws = RandomStream.named({ seed, round: 0, device: '', purpose: 'pretraining' });
  const windowOf = (number: number, length: number): readonly number[] => {
    const tokens: number[] = [];
    for (let document = 0; tokens.length <= length && document < DOCUMENTS; document++) {
      const index = number * DOCUMENTS + document;
      const { prompt, completion } = microExample({
        ...{ format, lessons: MICRO_LESSONS, seed, index },
        draws: draws.sequence(index),
      });
      tokens.push(...prompt, ...completion);
    }
    if (tokens.length <= length)
      throw new RangeError(`Windows of ${length} tokens are too long: take fewer.`);
    return tokens;
  };
  return {
    windows(first, rows, length) {
      const tokens = new Uint32Array(rows * length);
      const targets = new Uint32Array(rows * length);
      for (let row = 0; row < rows; row++) {
        const window = windowOf(first + row, length);
        tokens.set(window.slice(0, length), row * length);
        targets.set(window.slice(1, length + 1), row * length);
      }
      return { rows, length, tokens, targets };
    },
  };
}

/** A part of the rows of some windows. */
export function rowsOf({ length, tokens, targets }: Windows, first: number, rows: number): Windows {
  const [start, end] = [first * length, (first + rows) * length];
  return { rows, length, tokens: tokens.slice(start, end), targets: targets.slice(start, end) };
}
