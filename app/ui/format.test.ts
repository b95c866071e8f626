import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatChange,
  formatCount,
  formatShare,
  formatSpan,
  formatWait,
  plural,
  shortHex,
} from './format.ts';

describe('format', () => {
  it('shortens hashes and leaves short text whole', () => {
    expect(shortHex('0x52908400098527886e0f7030069857d2e4169ee7')).toBe('0x5290…9ee7');
    expect(shortHex('0x1234567890')).toBe('0x1234567890');
  });

  it.each([
    [0, '0 bytes'],
    [999, '999 bytes'],
    [1000, '1 kB'],
    [397_812, '398 kB'],
    [999_700, '1 MB'],
    [12_400_000_000, '12.4 GB'],
    [1_250_000_000, '1.25 GB'],
  ])('writes %d bytes as %s', (count, text) => {
    expect(formatBytes(count)).toBe(text);
  });

  it('writes shares, and admits when there is none', () => {
    expect(formatShare(0.4151)).toBe('41.5 %');
    expect(formatShare(1)).toBe('100 %');
    expect(formatShare(Number.NaN)).toBe('not known');
  });

  it('signs changes, also the one that is no change', () => {
    expect(formatChange(0.362, 0.481)).toBe('+11.9 points');
    expect(formatChange(0.5, 0.25)).toBe('−25 points');
    expect(formatChange(0.5, 0.5001)).toBe('±0 points');
  });

  it('groups thousands from five digits on', () => {
    expect(formatCount(2830)).toBe('2830');
    expect(formatCount(16_731)).toBe('16\u2009731');
    expect(formatCount(1_234_567)).toBe('1\u2009234\u2009567');
    expect(formatCount(-5)).toBe('−5');
  });

  it('counts one and many', () => {
    expect(plural(1, 'device')).toBe('1 device');
    expect(plural(0, 'device')).toBe('0 devices');
    expect(plural(2, 'reply', 'replies')).toBe('2 replies');
  });

  it('rounds waits up and never goes below nothing', () => {
    expect(formatWait(5_001)).toBe('6 s');
    expect(formatWait(-20)).toBe('0 s');
    expect(formatWait(125_000)).toBe('2 min 5 s');
    expect(formatWait(120_000)).toBe('2 min');
  });

  it('writes a span of time in its largest unit', () => {
    const spans = [-5, 0.2, 99, 130, 7200, 86_400 * 7];
    expect(spans.map(formatSpan)).toEqual(['0 s', '1 s', '99 s', '2 min', '2 h', '7 days']);
  });
});
