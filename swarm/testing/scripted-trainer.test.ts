import { deviceKey } from '../../protocol/device-key.ts';
import { describeTrainerContract } from '../../protocol/testing/trainer-contract.ts';
import { systemScheduler } from '../scheduler.ts';
import { ScriptedTrainer } from './scripted-trainer.ts';

describeTrainerContract('ScriptedTrainer', async () => {
  const options = { scheduler: systemScheduler, answerMs: 0, trainMs: 0 };
  return {
    trainer: new ScriptedTrainer(options),
    device: deviceKey(new Uint8Array(32).fill(1)).address,
    rollouts: async (author, context) => {
      const peer = new ScriptedTrainer(options);
      const set = await peer.answer({ ...context, device: author }, new AbortController().signal);
      return { author, cid: `cid-${author}`, set };
    },
    stop: async () => {},
  };
});
