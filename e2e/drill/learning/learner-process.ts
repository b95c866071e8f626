/** A member without a page, as `npm run volunteer` starts it, that tells the drill what its rounds gave. */
import '../../../swarm/node20.ts';
import { aborted, runProcess } from '../../../node/home/command-line.ts';
import { startVolunteer } from '../../../node/volunteer.ts';
import { must } from '../../../protocol/must.ts';
import type { LearnerReport, LearnerSettings } from './learner-messages.ts';

function tell(report: LearnerReport): void {
  process.send?.(report);
}

await runProcess(async (signal) => {
  const { network, home, model } = JSON.parse(must(process.argv, 2)) as LearnerSettings;
  const volunteer = await startVolunteer({
    ...{ network, home, model, signal },
    engine: 'wasm',
    onEvent: (event) => {
      if (event.kind === 'crashed') tell({ kind: 'failed', cause: event.error.message });
      if (event.kind !== 'round') return;
      const { event: round } = event;
      if (round.kind === 'failed') tell({ kind: 'failed', cause: `Round ${round.round}: ${round.cause}` });
      if (round.kind !== 'trained') return;
      const { meanReward: reward, heldOutAccuracy: heldOut, foreign } = round;
      tell({ kind: 'trained', round: round.round, reward, heldOut, foreign });
    },
  });
  await aborted(signal);
  await volunteer.stop();
  return 0;
});
