import { describe, expect, it } from 'vitest';
import { FIRST_TRAIN, firstAsk, readAsk, readPositions, readSizes, readTrain } from './drafts.ts';
import { LOADED, SUMMARY } from './testing/a-model.ts';

const ask = (part: Partial<ReturnType<typeof firstAsk>>) =>
  readAsk(
    { ...firstAsk(SUMMARY), prompt: 'hello', ...part },
    { summary: SUMMARY, loaded: LOADED, bare: false },
  );
const train = (part: Partial<typeof FIRST_TRAIN>) =>
  readTrain({ ...FIRST_TRAIN, text: 'some text', ...part }, { most: 512, fresh: true });

describe('settings', () => {
  it('begin with what the makers recommend', () => {
    expect(ask({})).toEqual({
      ask: {
        prompt: 'hello',
        chat: true,
        greedy: false,
        temperature: 0.7,
        topK: 20,
        topP: 0.8,
        seed: 1,
        maxNewTokens: 128,
        bare: false,
      },
    });
    expect(ask({ sample: false })).toMatchObject({ ask: { greedy: true } });
  });

  it.each([
    [{ prompt: ' ' }, 'prompt'],
    [{ tokens: '512' }, '511'],
    [{ tokens: '1.5' }, 'whole number'],
    [{ seed: '-1' }, 'Seed'],
    [{ temperature: '0' }, 'Temperature'],
    [{ temperature: 'warm' }, 'Temperature'],
    [{ topK: '999999' }, 'Top k'],
    [{ topP: '1.1' }, 'Top p'],
    [{ topP: '' }, 'Top p'],
  ])('of a question: %j is refused', (part, what) => {
    expect(ask(part)).toMatchObject({ problem: expect.stringContaining(what) });
  });

  it.each([
    [{ text: '' }, 'Paste a text'],
    [{ rank: '0' }, 'Rank'],
    [{ alpha: '0' }, 'Alpha'],
    [{ rate: '2' }, 'Rate'],
    [{ steps: '0' }, 'Steps'],
    [{ rows: '257' }, 'Windows'],
    [{ length: '513' }, '512 positions'],
  ])('of training: %j is refused', (part, what) => {
    expect(train(part)).toMatchObject({ problem: expect.stringContaining(what) });
  });

  it('read a file by its name, and numbers as people write them', () => {
    expect(train({})).toMatchObject({ train: { rate: 0.0002, steps: 20, source: { format: 'text' } } });
    expect(train({ file: 'Talks.JSONL', rate: '2e-4' })).toMatchObject({
      train: { rate: 0.0002, source: { format: 'jsonl' } },
    });
    expect(readSizes(FIRST_TRAIN, 512)).toMatchObject({ training: { rank: 8, alpha: 16, length: 64 } });
    expect(readPositions('1024', 2048)).toEqual({ positions: 1024 });
    expect(readPositions('1', 2048)).toHaveProperty('problem');
    expect(readPositions('4096', 2048)).toHaveProperty('problem');
  });
});
