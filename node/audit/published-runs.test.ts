import { describe, expect, it } from 'vitest';
import { endlessAnswer } from '../../protocol/testing/endless-answer.ts';
import { RunSourceError, runsAt } from './published-runs.ts';

describe('runs at an address', () => {
  it('are read no further than a specification can be long', async () => {
    const { response, read, isCancelled } = endlessAnswer();
    const source = runsAt('https://runs.example', async () => response);
    const specs = source.specs(`0x${'00'.repeat(32)}`, { wants: () => true });
    await expect(specs).rejects.toThrow(RunSourceError);
    expect(read()).toBe(17 * 1024);
    expect(isCancelled()).toBe(true);
  });

  it('are absent where the server has none', async () => {
    const source = runsAt('https://runs.example', async () => new Response(null, { status: 404 }));
    expect(await source.specs(`0x${'00'.repeat(32)}`, { wants: () => true })).toEqual([]);
  });
});
