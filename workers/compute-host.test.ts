import { describe, expect, it } from 'vitest';
import {
  DeviceLostError,
  type Engine,
  type EngineKind,
  EngineMemoryError,
} from '../compute/engines/engine.ts';
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { checkpointRoot } from '../models/checkpoint/root.ts';
import { StorageFullError } from '../models/storage/directory.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { characterTokenizerJson, END_TOKEN } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import type { PeerRollouts, RoundContext } from '../protocol/trainer.ts';
import { openCheckpointStore } from '../training/durable-checkpoint-store.ts';
import { readCheckpoint } from '../training/learning-checkpoint.ts';
import { DEFAULT_SETTINGS, LIGHT_SETTINGS } from '../training/learning-settings.ts';
import { ComputeHost, type ComputeHostOptions } from './compute-host.ts';
import { publishedSource } from './published-model.ts';
import { SMALL_SETTINGS, smallModel } from './testing/small-model.ts';

const DEVICE = `0x${'a1'.repeat(20)}` as DeviceAddress;
const signal = new AbortController().signal;
const contextOf = (round: number): RoundContext => ({
  round,
  seed: `0x${'12'.repeat(32)}`,
  device: DEVICE,
});

/**
 * An engine of the given kind that computes like the reference and fails at the runs that `fails` picks,
 * counted over all.
 */
function failing(kind: EngineKind, runs: { count: number }, fails: (run: number) => Error | null): Engine {
  const inner = createReferenceEngine();
  let lost: Error | null = null;
  return {
    kind,
    description: `${kind} for a test`,
    allocate: (shape, dtype) => inner.allocate(shape, dtype),
    write: (tensor, data) => inner.write(tensor, data),
    read: (tensor) => (lost === null ? inner.read(tensor) : Promise.reject(lost)),
    free: (tensor) => inner.free(tensor),
    async run(program, bindings, options) {
      lost ??= fails(++runs.count);
      if (lost !== null) throw lost;
      await inner.run(program, bindings, options);
    },
    stop: () => inner.stop(),
  };
}

function setUp(
  options: {
    readonly fails?: (run: number) => Error | null;
    readonly directory?: ReturnType<typeof openMemoryDirectory>;
    readonly device?: DeviceAddress;
  } = {},
) {
  const made: EngineKind[] = [];
  const notices: string[] = [];
  const model = smallModel();
  const runs = { count: 0 };
  const host: ComputeHostOptions<never> = {
    device: options.device ?? DEVICE,
    model: publishedSource(model),
    store: openCheckpointStore(options.directory ?? openMemoryDirectory()),
    engine: 'webgpu',
    settings: SMALL_SETTINGS,
    chooseEngine: async (choice) => {
      const kind = choice === 'auto' ? 'wasm' : choice;
      made.push(kind);
      const engine =
        kind === 'webgpu'
          ? failing(kind, runs, options.fails ?? (() => null))
          : failing(kind, runs, () => null);
      return { engine, reason: 'requested', verdicts: [] };
    },
    onNotice: (sentence) => notices.push(sentence),
  };
  return { host, made, notices, model, runs };
}

const tokenizer = new Tokenizer(characterTokenizerJson());

/**
 * A peer that answers its items rightly and wrongly in turn, so that there is something to learn from it.
 */
async function peerOf(host: ComputeHost<never>, context: RoundContext): Promise<PeerRollouts> {
  const groups = (await host.prompts(context)).map(({ answer }, item) => ({
    item,
    completions: [answer, '#', answer, '#'].map((text) => {
      const tokens = [...tokenizer.encode(text), END_TOKEN];
      return { text, tokens, logprobs: tokens.map(() => -4) };
    }),
  }));
  const author: DeviceAddress = `0x${'be'.repeat(20)}`;
  return { author, cid: 'peer', set: { author, modelRoot: `0x${'00'.repeat(32)}`, groups } };
}

async function playRound(host: ComputeHost<never>, round: number) {
  const context = contextOf(round);
  const set = await host.answer(context, signal);
  const outcome = await host.train(
    context,
    { author: DEVICE, cid: 'own', set },
    [await peerOf(host, context)],
    signal,
  );
  expect(outcome.optimizerSteps).toBeGreaterThan(0);
  return outcome;
}

/** Roots after rounds 3 and 4 on an engine that never fails. */
let reference: Promise<readonly string[]> | undefined;
const undisturbed = () => {
  reference ??= playUndisturbed();
  return reference;
};

async function playUndisturbed(): Promise<readonly string[]> {
  const { host: options } = setUp();
  const host = await ComputeHost.start(options);
  const roots = [await playRound(host, 3), await playRound(host, 4)].map((outcome) => outcome.checkpointRoot);
  await host.stop();
  return roots;
}

describe('ComputeHost', () => {
  it('starts from the published model, then goes on from its checkpoint without fetching the weights again', async () => {
    const directory = openMemoryDirectory();
    const first = setUp({ directory });
    const host = await ComputeHost.start(first.host);
    expect(host.cursor).toBe(0);
    const outcome = await playRound(host, 3);
    const stored = await host.checkpoint();
    expect(stored.root).toBe(outcome.checkpointRoot);
    expect(checkpointRoot(stored.bytes)).toBe(stored.root);
    expect(stored.cursor).toBe(4);
    await host.stop();

    const second = setUp({ directory });
    const again = await ComputeHost.start(second.host);
    expect(second.model.requested).toEqual(['config.json', 'tokenizer.json']);
    expect(again.root).toBe(outcome.checkpointRoot);
    expect((await playRound(again, 4)).checkpointRoot).toBe((await undisturbed())[1]);
    await again.stop();
  });

  it('gives the same bits when the GPU goes away in the middle of answering, and of training', async () => {
    const roots = await undisturbed();
    const { host: probe, runs } = setUp();
    const counting = await ComputeHost.start(probe);
    await counting.answer(contextOf(3), signal);
    const answering = runs.count;
    await counting.stop();
    for (const at of [Math.floor(answering / 2), answering + 1]) {
      const {
        host: options,
        made,
        notices,
      } = setUp({
        fails: (run) => (run === at ? new DeviceLostError('The driver was reset.') : null),
      });
      const host = await ComputeHost.start(options);
      expect((await playRound(host, 3)).checkpointRoot).toBe(roots[0]);
      expect(made).toEqual(['webgpu', 'webgpu']);
      expect(notices).toEqual([expect.stringContaining('The driver was reset.')]);
      expect((await playRound(host, 4)).checkpointRoot).toBe(roots[1]);
      await host.stop();
    }
  });

  it('goes on in WebAssembly after two losses in a row, and says so', async () => {
    const { host: options, made, notices } = setUp({ fails: () => new DeviceLostError('Gone.') });
    const host = await ComputeHost.start(options);
    expect((await playRound(host, 3)).checkpointRoot).toBe((await undisturbed())[0]);
    expect(made).toEqual(['webgpu', 'webgpu', 'wasm']);
    expect(notices.at(-1)).toContain('on the processor');
    expect(host.engine.kind).toBe('wasm');
    await host.stop();
  });

  it('gives a slow device a light share of the same tasks, and keeps to it', async () => {
    const directory = openMemoryDirectory();
    const { settings: _, ...unset } = setUp({ directory }).host;
    const host = await ComputeHost.start(unset);
    const { settings } = readCheckpoint((await host.checkpoint()).bytes);
    expect(settings).toEqual(LIGHT_SETTINGS);
    expect(settings.itemsPerRound).toBe(DEFAULT_SETTINGS.itemsPerRound);
    expect(settings.tasks).toEqual(DEFAULT_SETTINGS.tasks);
    await host.stop();
  });

  it('keeps every engine that it makes to the share that was set, the present one at once', async () => {
    const shares: number[] = [];
    const { host: options } = setUp();
    let runs = 0;
    const host = await ComputeHost.start({
      ...options,
      share: 0.5,
      chooseEngine: async () => {
        const engine = failing('webgpu', { count: 0 }, () => {
          runs += 1;
          return runs === 3 ? new DeviceLostError('gone.') : null;
        });
        const paced = { ...engine, setShare: (share: number) => void shares.push(share) };
        return { engine: paced, reason: 'requested', verdicts: [] };
      },
    });
    expect(shares).toEqual([0.5]);
    host.setShare(0.25);
    expect(shares).toEqual([0.5, 0.25]);
    expect(() => host.setShare(0)).toThrow(RangeError);
    await host.answer(contextOf(0), signal);
    expect(shares).toEqual([0.5, 0.25, 0.25]);
    await host.stop();
  });

  it('leaves other failures to the caller', async () => {
    const { host: options, made } = setUp({ fails: () => new EngineMemoryError('No room on the GPU.') });
    const host = await ComputeHost.start(options);
    await expect(host.answer(contextOf(3), signal)).rejects.toThrow('No room on the GPU.');
    expect(made).toEqual(['webgpu']);
    await host.stop();
  });

  it('keeps the weights before the round when the disk is full', async () => {
    const roots = await undisturbed();
    const files = new Map();
    const directory = openMemoryDirectory({ files });
    const { host: options } = setUp({ directory });
    const host = await ComputeHost.start(options);
    await playRound(host, 3);
    const kept = host.root;
    await host.stop();

    const used = [...files.values()].reduce((sum: number, data: Uint8Array) => sum + data.byteLength, 0);
    const full = await ComputeHost.start(
      setUp({ directory: openMemoryDirectory({ files, capacity: used - 1 }) }).host,
    );
    await expect(playRound(full, 4)).rejects.toThrow(StorageFullError);
    expect(full.root).toBe(kept);
    expect((await full.checkpoint()).root).toBe(kept);
    await full.stop();

    const later = await ComputeHost.start(setUp({ directory: openMemoryDirectory({ files }) }).host);
    expect((await playRound(later, 4)).checkpointRoot).toBe(roots[1]);
    await later.stop();
  });

  it('refuses a checkpoint of another device with the remedy', async () => {
    const directory = openMemoryDirectory();
    await (await ComputeHost.start(setUp({ directory }).host)).stop();
    const other = setUp({ directory, device: `0x${'b2'.repeat(20)}` });
    await expect(ComputeHost.start(other.host)).rejects.toThrow(/belongs to device 0xa1a1.*Restore/);
  });

  it('stops answering when asked to, and can be used again', async () => {
    const host = await ComputeHost.start(setUp().host);
    const controller = new AbortController();
    const answer = host.answer(contextOf(3), controller.signal);
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
    expect((await playRound(host, 3)).checkpointRoot).toBe((await undisturbed())[0]);
    await host.stop();
    await expect(host.prompts(contextOf(4))).rejects.toThrow('stopped');
  });

  it('shows what the stored weights answer to held-out questions', async () => {
    const host = await ComputeHost.start(setUp().host);
    const samples = await host.sampleAnswers(3);
    expect(samples).toHaveLength(3);
    for (const sample of samples) expect(sample.expected.length).toBeGreaterThan(0);
    expect(await host.sampleAnswers(3)).toEqual(samples);
    await host.stop();
  });
});
