import { expect, it } from 'vitest';
import { blockQuota } from './block-quota.ts';

it('gives blocks half of what the browser still allows, and at most 1 GiB', () => {
  expect(blockQuota({ quota: 1000, usage: 400 })).toBe(300);
  expect(blockQuota({ quota: 1000 })).toBe(500);
  expect(blockQuota({ quota: 1000, usage: 4000 })).toBe(0);
  expect(blockQuota({ quota: 1e12, usage: 0 })).toBe(2 ** 30);
  expect(blockQuota(undefined)).toBe(256 * 2 ** 20);
  expect(blockQuota({})).toBe(256 * 2 ** 20);
});
