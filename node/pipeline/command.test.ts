import { describe, expect, it } from 'vitest';
import { UsageError } from '../home/command-line.ts';
import { runPipelineCommand, settingsOf } from './command.ts';
import { microbatchesOf, visitedStages } from './settings.ts';

const flags = (text: string) => text.split(' ');
const SLOW_PARTS = '--adapters --vocabulary-parts 3 --round-trip 20 --megabits 100';

describe('npm run pipeline', () => {
  it.each([
    ['--members 4', 'Say how many members and blocks there are.'],
    ['--members 0 --blocks 3', '--members takes a whole number from 1 to 16, not "0".'],
    ['--members 2 --blocks 1', '--blocks takes a whole number from 2 to 16, not "1".'],
    ['--members 2 --blocks 3 --skip 1.5', '--skip takes a share from 0 to 0.9, not "1.5".'],
    ['--members 2 --blocks 2 --skip 0.9', '--skip 0.9 leaves no block of layers of 1: skip less.'],
    ['--members 2 --blocks 3 --copies 3', '2 members cannot keep 3 copies of a block: take fewer copies.'],
    ['--members 9 --blocks 2', '2 blocks in 3 copies are kept by at most 6 members: take fewer members.'],
    ['--members 1 --blocks 2 --kills 1', 'A block that only one member keeps is lost with it'],
    ['--members 2 --blocks 3 --shape huge', '--shape takes nano or ten, not "huge".'],
    ['--members 2 --blocks 3 --vocabulary-parts 2', 'A vocabulary in training is not cut: take --adapters'],
    [
      '--members 2 --blocks 3 --adapters --vocabulary-parts 1',
      '--vocabulary-parts takes a whole number from 2',
    ],
    ['--members 2 --blocks 3 --round-trip 2000', '--round-trip takes a whole number from 0 to 1000'],
    ['--members 2 --blocks 3 --megabits 0', '--megabits takes a whole number from 1 to 10000'],
    ['--members 2 --blocks 3 --nothing', "Unknown option '--nothing'"],
  ])('refuses %s in a sentence', (argv, sentence) => {
    expect(() => settingsOf(flags(argv))).toThrow(UsageError);
    expect(() => settingsOf(flags(argv))).toThrow(sentence);
  });

  it('keeps three copies of a block, or as many as there are members', () => {
    expect(settingsOf(flags('--members 6 --blocks 4'))).toMatchObject({ copies: 3, steps: 10, kills: 0 });
    expect(settingsOf(flags('--members 2 --blocks 4')).copies).toBe(2);
  });

  it('takes so many microbatches that each block of layers gets equally many', () => {
    for (const skip of ['0', '0.33', '0.5']) {
      const settings = settingsOf(flags(`--members 4 --blocks 4 --skip ${skip}`));
      const visits = microbatchesOf(settings) * (visitedStages(settings) - 1);
      expect(visits % (settings.blocks - 1)).toBe(0);
    }
  });

  it.each([
    ['also when a member is killed on the way', '--skip 0.5'],
    ['with adapters and a vocabulary in parts, over a slow network', SLOW_PARTS],
  ])('ends with the root of one device, %s', async (_, more) => {
    const lines: string[] = [];
    const code = await runPipelineCommand({
      argv: flags(`--members 2 --blocks 3 --steps 2 --kills 1 ${more} --json`),
      print: (line) => lines.push(line),
      signal: new AbortController().signal,
    });
    const result = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
    expect(Object.keys(result)).toEqual([
      'members',
      'blocks',
      'steps',
      'kills',
      'lost',
      'root',
      'oracleRoot',
      'tokensPerSecond',
    ]);
    expect(result).toMatchObject({ members: 2, blocks: 3, steps: 2, kills: 1, lost: 0 });
    expect(result.root).toBe(result.oracleRoot);
    expect(code).toBe(0);
  });
});
