import { describe, expect, it } from 'vitest';
import { parseSteps } from './parse-steps.mjs';

const KNOWN = { steps: ['types', 'lint', 'unit', 'e2e'], withArguments: ['unit', 'e2e'] };
const parse = (...argv: string[]) => parseSteps(argv, KNOWN);

describe('the command line of npm test', () => {
  it('runs every step, or the named ones in their own order', () => {
    expect(parse()).toEqual({ kind: 'run', names: KNOWN.steps, rest: [] });
    expect(parse('unit', 'lint')).toEqual({ kind: 'run', names: ['lint', 'unit'], rest: [] });
  });

  it('hands what follows a single step to its tool', () => {
    expect(parse('unit', 'swarm/gossip.test.ts', 'swarm')).toEqual({
      kind: 'run',
      names: ['unit'],
      rest: ['swarm/gossip.test.ts', 'swarm'],
    });
    expect(parse('e2e', '--grep', 'unit')).toEqual({ kind: 'run', names: ['e2e'], rest: ['--grep', 'unit'] });
  });

  it('knows no other step, and no arguments for several steps or for one that takes none', () => {
    expect(parse('units')).toEqual({ kind: 'unknown', name: 'units' });
    expect(parse('lint', 'app')).toEqual({ kind: 'unknown', name: 'app' });
    expect(parse('unit', 'lint', 'app')).toEqual({ kind: 'unknown', name: 'app' });
  });

  it('explains itself, but leaves the help of a tool to the tool', () => {
    expect(parse('--help')).toEqual({ kind: 'help' });
    expect(parse('unit', '--help')).toEqual({ kind: 'run', names: ['unit'], rest: ['--help'] });
  });
});
