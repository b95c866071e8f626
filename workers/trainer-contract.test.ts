/**
 * The Trainer contract over the compute host, and over the client of the compute worker across a message
 * channel.
 */
import { createReferenceEngine } from '../compute/engines/reference.ts';
import { openMemoryDirectory } from '../models/storage/memory-directory.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { describeTrainerContract } from '../protocol/testing/trainer-contract.ts';
import { completionTokenizer } from '../training/completion-tokenizer.ts';
import { openCheckpointStore } from '../training/durable-checkpoint-store.ts';
import { DEFAULT_SETTINGS } from '../training/learning-settings.ts';
import { shortFormat } from '../training/short-format.ts';
import { NARROW_TASKS } from '../training/testing/narrow-model.ts';
import { publishedAnswers } from '../training/testing/published-answers.ts';
import { ComputeHost } from './compute-host.ts';
import { publishedSource } from './published-model.ts';
import { openComputeChannel, SMALL_MODEL_URL } from './testing/compute-channel.ts';
import { SMALL_SETTINGS, smallModel } from './testing/small-model.ts';

const DEVICE: DeviceAddress = `0x${'a1'.repeat(20)}`;
const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));

describeTrainerContract('ComputeHost', async () => {
  const host = await ComputeHost.start<never>({
    device: DEVICE,
    model: publishedSource(smallModel()),
    store: openCheckpointStore(openMemoryDirectory()),
    engine: 'reference',
    settings: SMALL_SETTINGS,
    chooseEngine: async () => ({ engine: createReferenceEngine(), reason: 'requested', verdicts: [] }),
  });
  return {
    trainer: host,
    device: DEVICE,
    rollouts: (author, context) =>
      publishedAnswers({ author, context, settings: SMALL_SETTINGS, tasks: NARROW_TASKS, format }),
    stop: () => host.stop(),
  };
});

describeTrainerContract('ComputeClient', async () => {
  const { client, close } = openComputeChannel();
  await client.start({
    device: DEVICE,
    model: { kind: 'published', url: SMALL_MODEL_URL },
    engine: 'reference',
    threads: 1,
  });
  return {
    trainer: client,
    device: DEVICE,
    rollouts: (author, context) =>
      publishedAnswers({ author, context, settings: DEFAULT_SETTINGS, tasks: NARROW_TASKS, format }),
    async stop() {
      await client.stop();
      close();
    },
  };
});
