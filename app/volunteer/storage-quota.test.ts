import { expect, it } from 'vitest';
import { blockQuota, checkpointQuota } from './storage-quota.ts';

it('gives blocks half of what the browser still allows, and at most 1 GiB', () => {
  expect(blockQuota({ quota: 1000, usage: 400 })).toBe(300);
  expect(blockQuota({ quota: 1000 })).toBe(500);
  expect(blockQuota({ quota: 1000, usage: 4000 })).toBe(0);
  expect(blockQuota({ quota: 1e12, usage: 0 })).toBe(2 ** 30);
  expect(blockQuota(undefined)).toBe(256 * 2 ** 20);
  expect(blockQuota({})).toBe(256 * 2 ** 20);
});

it('gives kept checkpoints the same, and counts the room that they have, so that a visit deletes none', () => {
  expect(checkpointQuota({ quota: 1000, usage: 400 }, 0)).toBe(300);
  // The checkpoints of the last visit are among what is used.
  expect(checkpointQuota({ quota: 1000, usage: 700 }, 300)).toBe(300);
  expect(checkpointQuota({ quota: 1e12, usage: 0 }, 2 ** 30)).toBe(2 ** 30);
  expect(checkpointQuota(undefined, 5)).toBe(256 * 2 ** 20);
});
