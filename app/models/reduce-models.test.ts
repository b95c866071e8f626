import { describe, expect, it } from 'vitest';
import { FIRST_TRAIN } from './drafts.ts';
import { EMPTY_MODELS, type ModelsView } from './models-view.ts';
import { type ModelsAction, reduceModels } from './reduce-models.ts';
import { ADAPTER, ANSWER, LOADED, SUMMARY } from './testing/a-model.ts';

const after = (...actions: readonly ModelsAction[]): ModelsView => actions.reduce(reduceModels, EMPTY_MODELS);

const chosen: ModelsAction = {
  kind: 'chosen',
  turn: 1,
  name: 'Qwen',
  from: { kind: 'stored', id: 'a' },
  root: null,
  summary: SUMMARY,
};
const loaded: readonly ModelsAction[] = [chosen, { kind: 'load-began' }, { kind: 'loaded', loaded: LOADED }];
const ask = (run: number): ModelsAction => ({
  kind: 'asked',
  ask: {
    run,
    prompt: 'What is it?',
    chat: true,
    greedy: false,
    temperature: 1,
    topK: 0,
    topP: 1,
    seed: 1,
    maxNewTokens: 8,
    bare: false,
  },
});
const text = (run: number, piece: string, tokens: number): ModelsAction => ({
  kind: 'worker',
  at: 0,
  event: { kind: 'text', run, text: piece, tokens, seconds: tokens / 10 },
});
const step = (run: number, number: number, loss: number): ModelsAction => ({
  kind: 'worker',
  at: 0,
  event: { kind: 'step', run, step: number, loss, seconds: 0.5 },
});

describe('reduceModels', () => {
  it('follows a download, and lets go of it', () => {
    const url = 'https://models.test/a/';
    const began: ModelsAction = { kind: 'download-began', url };
    const told = (of: string, bytes: number): ModelsAction => ({
      kind: 'worker',
      at: bytes,
      event: { kind: 'download', url: of, file: 'config.json', bytes, total: 1000 },
    });
    const view = after(began, told(url, 100), told('https://other.test/', 999), told(url, 700));
    expect(view.download).toMatchObject({ bytes: 700, total: 1000, file: 'config.json' });
    expect(view.download?.pace.samples).toHaveLength(2);
    const ended = after(began, told(url, 100), { kind: 'download-ended' }, told(url, 700));
    expect(ended.download).toBeNull();
  });

  it('streams an answer; what comes late or of another question changes nothing', () => {
    const running = after(...loaded, ask(1), text(1, 'A mur', 1), text(0, 'old', 9), text(1, 'muration', 2));
    expect(running.model?.answer).toMatchObject({
      text: 'A murmuration',
      tokens: 2,
      state: { kind: 'running' },
    });
    const done = reduceModels(running, { kind: 'answered', run: 1, answer: ANSWER });
    expect(done.model?.answer).toMatchObject({
      text: ANSWER.text,
      tokens: 3,
      seconds: 0.5,
      state: { kind: 'done' },
    });
    expect(reduceModels(done, text(1, ' late', 4))).toBe(done);
    const stopped = reduceModels(running, { kind: 'answered', run: 1, answer: null });
    expect(stopped.model?.answer).toMatchObject({ text: 'A murmuration', state: { kind: 'stopped' } });
  });

  it('keeps the losses of an adapter over several calls', () => {
    const first: readonly ModelsAction[] = [
      ...loaded,
      { kind: 'train-began', run: 2, steps: 3, fresh: true },
      step(2, 1, 5),
      step(2, 2, 4),
    ];
    expect(after(...first).model?.training).toMatchObject({ running: { until: 3, pausing: false } });
    const ended: ModelsAction = {
      kind: 'train-ended',
      trained: { adapter: ADAPTER, losses: [5, 4, 3], stopped: false, tokens: 20 },
    };
    const view = after(...first, { kind: 'train-pausing' }, ended, step(2, 3, 3));
    expect(view.model?.training.steps.map(({ loss }) => loss)).toEqual([5, 4, 3]);
    expect(view.model?.training.running).toBeNull();
    expect(view.model?.adapter).toMatchObject({ steps: 3, unsaved: true, root: null });

    const more = after(
      ...first,
      ended,
      { kind: 'train-began', run: 3, steps: 2, fresh: false },
      step(3, 4, 2),
    );
    expect(more.model?.training.steps.map(({ loss }) => loss)).toEqual([5, 4, 3, 2]);
    expect(more.model?.training.running?.until).toBe(5);
    const failed = reduceModels(more, { kind: 'train-ended', trained: null });
    expect(failed.model?.training.steps.map(({ loss }) => loss)).toEqual([5, 4, 3]);
    expect(failed.model?.adapter?.steps).toBe(3);
  });

  it('asks for no more tokens than a small model has places, and leaves what fits alone', () => {
    const tokensAt = (positions: number) =>
      after(...loaded, { kind: 'loaded', loaded: { ...LOADED, positions } }).model?.drafts.ask.tokens;
    expect(tokensAt(64)).toBe('32');
    expect(tokensAt(129)).toBe('128');
  });

  it('knows when an adapter is safe, and forgets it with the engine', () => {
    const trained: ModelsAction = {
      kind: 'train-ended',
      trained: { adapter: ADAPTER, losses: [1], stopped: true, tokens: 9 },
    };
    const root = `0x${'11'.repeat(32)}` as const;
    const saved = after(...loaded, trained, { kind: 'saved', root });
    expect(saved.model?.adapter).toMatchObject({ unsaved: false, root });
    expect(reduceModels(saved, trained).model?.adapter).toMatchObject({ unsaved: true, root: null });
    expect(after(...loaded, { kind: 'adopted', adapter: ADAPTER }).model?.adapter?.unsaved).toBe(false);
    expect(reduceModels(saved, { kind: 'unloaded' }).model).toMatchObject({
      adapter: null,
      load: { kind: 'not' },
    });
    expect(reduceModels(saved, { kind: 'closed' }).model).toBeNull();
  });

  it('keeps what was typed, and the text for the next model', () => {
    const train = { ...FIRST_TRAIN, text: 'seven neighbours' };
    const view = after(...loaded, { kind: 'drafted', drafts: { bare: true, train } });
    expect(view.model?.drafts).toMatchObject({ bare: true, train, ask: { temperature: '0.7' } });
    expect(reduceModels(view, { ...chosen, turn: 2 }).model?.drafts).toMatchObject({ bare: false, train });
  });

  it('says failures where they happened, until it is tried again', () => {
    const view = after({ kind: 'failed', place: 'ask', cause: 'Too long.' }, chosen);
    expect(view.failures).toEqual({});
    const two = after(
      { kind: 'failed', place: 'load', cause: 'No memory.' },
      { kind: 'failed', place: 'ask', cause: 'Too long.' },
      { kind: 'tried', place: 'load' },
    );
    expect(two.failures).toEqual({ ask: 'Too long.' });
  });
});
