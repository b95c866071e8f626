import { describe, expect, it } from 'vitest';
import { isFramed } from './framed.ts';

describe('isFramed', () => {
  it('tells a window of its own from a frame', () => {
    const own = {};
    expect(isFramed({ self: own, top: own })).toBe(false);
    expect(isFramed({ self: own, top: {} })).toBe(true);
    expect(isFramed({ self: own, top: null })).toBe(true);
  });
});
