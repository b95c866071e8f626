import { describe, expect, it } from 'vitest';
import { type Hex, toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { DataSetEntry } from '../../protocol/swarm-spec.ts';
import { endlessAnswer } from '../../protocol/testing/endless-answer.ts';
import { gatherDataSets } from './data-sets.ts';

const bytes = new TextEncoder().encode('{"prompt":"1+1","answer":"2"}\n');
const entry = (urls: readonly string[] = []): DataSetEntry => ({
  id: 'sums',
  file: { path: 'sums.jsonl', size: bytes.length, sha256: toHex(sha256Of(bytes)), urls },
  fields: { prompt: 'prompt', answer: 'answer' },
  heldOutOneIn: 5,
  checker: { kind: 'number' },
});

function device(options: {
  readonly urls?: readonly string[];
  readonly members?: readonly (Uint8Array | null)[];
  readonly endless?: Response;
}) {
  const kept = new Map<Hex, Uint8Array>();
  const waiting: string[] = [];
  const members = [...(options.members ?? [])];
  const abort = new AbortController();
  const gather = () =>
    gatherDataSets({
      dataSets: [entry(options.urls)],
      files: { get: async (name) => kept.get(name), put: async (name, file) => void kept.set(name, file) },
      fromMembers: async () => {
        const next = members.shift();
        if (next === undefined || next === null) throw new Error('Nobody has it.');
        return next;
      },
      fetcher: (async (url: string) =>
        url.endsWith('/right')
          ? new Response(bytes)
          : url.endsWith('/endless') && options.endless !== undefined
            ? options.endless
            : new Response('other', { status: 200 })) as typeof fetch,
      onWaiting: (sentence) => void waiting.push(sentence),
      sleep: async () => {
        if (members.length === 0) abort.abort(new Error('Stopped by you.'));
      },
      signal: abort.signal,
    });
  return { gather, kept, waiting };
}

describe('the questions of a swarm', () => {
  it('come from members, who are asked until one gives the right file, and are kept', async () => {
    const wrong = new TextEncoder().encode('something else of theirs');
    const { gather, kept, waiting } = device({ members: [null, wrong, bytes] });
    expect((await gather()).get('sums')).toEqual(bytes);
    expect(waiting).toHaveLength(2);
    expect(waiting[0]).toContain('has the questions “sums”');
    expect([...kept.values()]).toEqual([bytes]);
    expect((await gather()).get('sums')).toEqual(bytes);
    expect(waiting).toHaveLength(2);
  });

  it('are read from an address no further than the file is long', async () => {
    const { response, read } = endlessAnswer();
    const { gather } = device({
      urls: ['https://a.test/endless', 'https://b.test/right'],
      endless: response,
    });
    expect((await gather()).get('sums')).toEqual(bytes);
    expect(read()).toBe(1024);
  });

  it('come from the first address that has the right file', async () => {
    const { gather, waiting } = device({ urls: ['https://a.test/wrong', 'https://b.test/right'] });
    expect((await gather()).get('sums')).toEqual(bytes);
    expect(waiting).toEqual([]);
  });

  it('are not waited for after a stop', async () => {
    await expect(device({}).gather()).rejects.toThrow('Stopped by you.');
  });
});
