import { expect, it } from 'vitest';
import { ReleasedBlocks } from './released-blocks.ts';

const yes = () => true;
const no = () => false;

it('[P-151] gives a block back one step after the last one that it computes', () => {
  const released = new ReleasedBlocks();
  released.add('layers.0', 4);
  expect(released.finished(4, no)).toEqual([]);
  expect(released.finished(5, no)).toEqual([]);
  expect(released.has('layers.0')).toBe(true);
  expect(released.finished(6, no)).toEqual(['layers.0']);
  expect(released.has('layers.0')).toBe(false);
});

it('[P-151] goes on with a block that every keeper has given up', () => {
  const released = new ReleasedBlocks();
  released.add('layers.0', 4);
  expect(released.finished(5, yes)).toEqual([]);
  expect(released.has('layers.0')).toBe(false);
  expect(released.finished(6, no)).toEqual([]);
});

it('[P-151] takes a block back where the step does not end, and its update is not done', () => {
  const released = new ReleasedBlocks();
  released.add('layers.0', 4);
  expect(released.takeBack(4, 60_000, yes)).toEqual([]);
  expect(released.takeBack(5, 14_999, yes)).toEqual([]);
  expect(released.takeBack(5, 15_000, no)).toEqual([]);
  expect(released.takeBack(5, 15_000, yes)).toEqual(['layers.0']);
  expect(released.finished(6, no)).toEqual([]);
});
