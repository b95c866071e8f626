import { describe, expect, it } from 'vitest';
import { encodeSwarmSpec } from '../../protocol/swarm-spec-codec.ts';
import {
  type CatalogueTask,
  dataSetId,
  draftDataSet,
  FIRST_DRAFT,
  readSwarmDraft,
  type SwarmDraft,
  tasksFor,
  withBase,
} from './swarm-draft.ts';

const catalogue: readonly CatalogueTask[] = [
  { id: 'sums', version: 1, title: 'Addition', difficulties: ['easy', 'hard'], short: true },
];
const options = { catalogue, account: `0x${'a1'.repeat(20)}`, now: 1_800_000_000 } as const;
const nano = { kind: 'builtin', name: 'nano', root: `0x${'0b'.repeat(32)}` } as const;
const published = {
  kind: 'files',
  name: 'someone/model',
  root: `0x${'0c'.repeat(32)}`,
  files: [{ path: 'config.json', size: 9, sha256: `0x${'0d'.repeat(32)}`, urls: [] }],
} as const;
const file = {
  name: 'My Questions.jsonl',
  bytes: new Uint8Array(7),
  sha256: `0x${'0e'.repeat(32)}`,
} as const;

const whole: SwarmDraft = {
  ...withBase(FIRST_DRAFT, nano),
  name: 'Sums',
  description: 'Learns to add.',
  generators: { sums: [1, 0] },
};

const problemOf = (change: Partial<SwarmDraft>) => {
  const read = readSwarmDraft({ ...whole, ...change }, options);
  return read.kind === 'problem' ? read.problem : null;
};

describe('a draft of a swarm', () => {
  it('makes a specification that the codec takes', () => {
    for (const base of [nano, published]) {
      const read = readSwarmDraft({ ...withBase(whole, base), file }, options);
      if (read.kind !== 'spec') throw new Error(read.problem);
      expect(encodeSwarmSpec(read.spec).bytes.length).toBeLessThan(4096);
      expect(read.spec.tasks.generators).toEqual([{ id: 'sums', version: 1, difficulties: [0, 1] }]);
      expect(read.spec.trained.kind).toBe(base === nano ? 'full' : 'adapters');
    }
  });

  it.each<[Partial<SwarmDraft>, RegExp]>([
    [{ name: ' ' }, /a name/],
    [{ description: '' }, /one line/],
    [{ base: null }, /Choose the model/],
    [{ generators: {} }, /Choose tasks/],
    [{ file, heldOutOneIn: '1' }, /one in 2 to 1,000/],
    [{ file, promptField: '' }, /Name the fields/],
    [{ file, checker: 'choice', choices: 'A' }, /at least two choices/],
    [{ file, checker: 'set', separator: '' }, /between the elements/],
    [{ trained: 'adapters', rank: '0' }, /rank: a number above 0/],
    [{ numbers: { ...whole.numbers, temperature: 'warm' } }, /Temperature: a number/],
  ])('with %o names what is missing', (change, problem) => {
    expect(problemOf(change)).toMatch(problem);
  });

  it('takes the settings of another class of models with the model, and keeps those of the same', () => {
    const changed = { ...whole, numbers: { ...whole.numbers, itemsAnswered: '5' } };
    expect(withBase(changed, nano).numbers.itemsAnswered).toBe('5');
    expect(withBase(changed, published).numbers.answerTokens).toBe('256');
  });

  it('offers first what the model can read', () => {
    const words = { ...catalogue[0], id: 'stories', title: 'Stories', short: false } as CatalogueTask;
    const both = [...catalogue, words];
    const micro = { ...nano, name: 'micro' } as const;
    expect(tasksFor(nano, both).map(({ id }) => id)).toEqual(['sums', 'stories']);
    expect(tasksFor(micro, both).map(({ id }) => id)).toEqual(['stories', 'sums']);
    expect(tasksFor(published, both).map(({ id }) => id)).toEqual(['stories', 'sums']);
  });

  it('names a data set after its file', () => {
    expect(dataSetId('My Questions.jsonl')).toBe('my-questions');
    expect(dataSetId('???.jsonl')).toBe('questions');
    expect(draftDataSet({ ...whole, checker: 'number' }, file)).toMatchObject({
      id: 'my-questions',
      checker: { kind: 'number' },
      file: { size: 7, urls: [] },
    });
    expect(draftDataSet({ ...whole, heldOutOneIn: 'some' }, file)).toBeNull();
  });
});
