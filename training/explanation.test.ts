import { expect, it } from 'vitest';
import type { Completion } from '../protocol/trainer.ts';
import { explainAnswers } from './explanation.ts';
import type { TaskItem } from './tasks/task.ts';

/** Asks for 7, which must stand after the last colon. */
const seven: TaskItem = {
  task: 'sums',
  difficulty: 0,
  prompt: '3+4',
  answer: '7',
  identity: '3+4',
  check: (text) => (text.endsWith(':7') ? 1 : 0),
  answerIn: (text) => text.slice(text.lastIndexOf(':') + 1),
  explain: (text) => (text.endsWith(':7') ? 'It is 7.' : `It is 7. ${'Not so. '.repeat(100)}`),
  credits: () => undefined,
};

const completion = (text: string): Completion => ({ text, tokens: [], logprobs: [] });

it('gives each answer its reward, the answer that was read, and a sentence of bounded length', () => {
  const groups = [
    { item: 0, completions: [completion('3 and 4:7'), completion(`no idea:${'x'.repeat(500)}`)] },
    { item: 9, completions: [completion('to a question that nobody asked')] },
  ];
  const [right, wrong, ...more] = explainAnswers([seven], groups, 'exact');
  expect(right).toEqual({ item: 0, sample: 0, reward: 1, answer: '7', sentence: 'It is 7.' });
  expect(wrong).toMatchObject({ item: 0, sample: 1, reward: 0 });
  expect([wrong?.answer.length, wrong?.sentence.length]).toEqual([200, 400]);
  expect(more).toEqual([]);
});

it('tells the reward of training, which by the exact rule is nothing for half an answer', () => {
  const half: TaskItem = { ...seven, check: () => 0.5 };
  const groups = [{ item: 0, completions: [completion('3 and 4:7')] }];
  expect(explainAnswers([half], groups, 'exact')[0]?.reward).toBe(0);
  expect(explainAnswers([half], groups, 'by place')[0]?.reward).toBe(0.5);
});
