import { expect, it } from 'vitest';
import { ReleasedBlocks } from './released-blocks.ts';

const yes = () => true;
const no = () => false;

it('[P-151] gives a block back one step after the last one that it computes', () => {
  const released = new ReleasedBlocks();
  released.add('layers.0', 4);
  expect(released.begin(4, no)).toEqual([]);
  expect(released.begin(5, no)).toEqual([]);
  expect(released.has('layers.0')).toBe(true);
  expect(released.begin(6, no)).toEqual(['layers.0']);
  expect(released.has('layers.0')).toBe(false);
});

it('[P-151] goes on with a block that every keeper has given up', () => {
  const released = new ReleasedBlocks();
  released.add('layers.0', 4);
  expect(released.begin(5, yes)).toEqual([]);
  expect(released.has('layers.0')).toBe(false);
  expect(released.begin(6, no)).toEqual([]);
});

it('[P-151] takes back what the step waits for, once others were to compute it', () => {
  const released = new ReleasedBlocks();
  released.add('layers.0', 4);
  expect(released.takeBack(4, yes)).toEqual([]);
  released.begin(5, no);
  expect(released.takeBack(5, no)).toEqual([]);
  expect(released.takeBack(5, yes)).toEqual(['layers.0']);
  expect(released.begin(6, no)).toEqual([]);
});
