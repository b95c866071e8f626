import { describe, expect, it } from 'vitest';
import { UsageError } from '../../node/home/command-line.ts';
import { parseChaosCommandLine } from './command-line.ts';

describe('npm run chaos', () => {
  it('has twelve members for 15 minutes: four hostile, and half of the others tabs, four at most', () => {
    expect(parseChaosCommandLine([])).toMatchObject({ minutes: 15, members: 12, hostile: 4, tabs: 4 });
    expect(parseChaosCommandLine(['--members', '6'])).toMatchObject({ hostile: 2, tabs: 2 });
    expect(parseChaosCommandLine(['--members', '40'])).toMatchObject({ hostile: 12, tabs: 4 });
    expect(parseChaosCommandLine(['--tabs', '0'])).toMatchObject({ tabs: 0 });
    expect(parseChaosCommandLine(['--tabs', '8'])).toMatchObject({ tabs: 8 });
  });

  it('has no more tabs than honest members', () => {
    expect(() => parseChaosCommandLine(['--tabs', '9'])).toThrow(UsageError);
    expect(() => parseChaosCommandLine(['--hostile', '10', '--tabs', '3'])).toThrow(/--tabs/);
  });
});
