import { expect, it } from 'vitest';
import { MemberFigures } from './member-figures.ts';

function memory(text: string | null = null) {
  let kept = text;
  return {
    get: () => kept,
    set: (next: string | null) => {
      kept = next;
    },
  };
}

it('averages what members published, each once a round, and keeps it for the next visit', () => {
  const stored = memory();
  const figures = new MemberFigures(stored);
  figures.add('a', { round: 2, device: '0xAA', accuracy: 0.5 });
  figures.add('a', { round: 2, device: '0xaa', accuracy: 1 });
  figures.add('a', { round: 2, device: '0xbb', accuracy: 0.7 });
  figures.add('a', { round: 1, device: '0xbb', accuracy: 0.4 });
  figures.add('a', { round: 3, device: '0xbb', accuracy: 7 });
  figures.add('b', { round: 9, device: '0xbb', accuracy: 0.1 });
  const seen = new MemberFigures(stored).of('a');
  expect(seen.map(({ round, members }) => [round, members])).toEqual([
    [1, 1],
    [2, 2],
  ]);
  expect(seen[1]?.accuracy).toBeCloseTo(0.6, 12);
  expect(figures.of('c')).toEqual([]);
});

it('is bounded, and starts anew where the storage holds something else', () => {
  const figures = new MemberFigures(memory('nonsense'));
  for (let round = 0; round < 500; round++) figures.add('a', { round, device: '0xaa', accuracy: 0.5 });
  expect(figures.of('a')).toHaveLength(120);
  for (let n = 0; n < 20; n++) figures.add(`s${n}`, { round: 0, device: '0xaa', accuracy: 0.5 });
  expect(figures.of('s19')).toHaveLength(1);
  expect(figures.of('a')).toEqual([]);
});
