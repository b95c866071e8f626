import { expect, it } from 'vitest';
import { busyMemory, isBusyRemembered } from './busy-memory.ts';

it('keeps one word while something is under way, and nothing otherwise', () => {
  let kept: string | null = null;
  const text = {
    get: () => kept,
    set: (next: string | null) => {
      kept = next;
    },
  };
  const memory = busyMemory(text);
  const remembered = (state: Parameters<typeof memory.remember>[0]) => {
    memory.remember(state);
    return [kept, memory.auditing(), isBusyRemembered(text)];
  };
  expect(remembered({ auditing: false, busy: true })).toEqual(['busy', false, true]);
  expect(remembered({ auditing: true, busy: true })).toEqual(['auditing', true, true]);
  expect(remembered({ auditing: false, busy: false })).toEqual([null, false, false]);
});
