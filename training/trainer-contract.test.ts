import { createReferenceEngine } from '../compute/engines/reference.ts';
import { characterTokenizerJson } from '../models/tokenizer/character-vocabulary.ts';
import { Tokenizer } from '../models/tokenizer/tokenizer.ts';
import type { DeviceAddress } from '../protocol/hex.ts';
import { describeTrainerContract } from '../protocol/testing/trainer-contract.ts';
import { completionTokenizer } from './completion-tokenizer.ts';
import { firstCheckpoint } from './learning-checkpoint.ts';
import { shortFormat } from './short-format.ts';
import { MemoryCheckpointStore } from './testing/memory-checkpoint-store.ts';
import { NARROW_CONFIG, NARROW_SETTINGS, NARROW_TASKS, narrowParameters } from './testing/narrow-model.ts';
import { publishedAnswers } from './testing/published-answers.ts';
import { LearningTrainer } from './trainer.ts';

const DEVICE: DeviceAddress = `0x${'a1'.repeat(20)}`;

describeTrainerContract('LearningTrainer', async () => {
  const engine = createReferenceEngine();
  const format = shortFormat(completionTokenizer(new Tokenizer(characterTokenizerJson())));
  const trainer = await LearningTrainer.start({
    engine,
    format,
    tasks: NARROW_TASKS,
    store: new MemoryCheckpointStore(),
    first: async () =>
      firstCheckpoint({
        config: NARROW_CONFIG,
        parameters: narrowParameters(DEVICE),
        device: DEVICE,
        settings: NARROW_SETTINGS,
      }),
  });
  return {
    trainer,
    device: DEVICE,
    rollouts: (author, context) =>
      publishedAnswers({ author, context, settings: NARROW_SETTINGS, tasks: NARROW_TASKS, format }),
    async stop() {
      await trainer.stop();
      await engine.stop();
    },
  };
});
