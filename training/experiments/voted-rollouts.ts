import { must } from '../../protocol/must.ts';
import { UNKNOWN } from '../../protocol/standing.ts';
import type { PeerJudgements, PeerRollouts } from '../../protocol/trainer.ts';
import { castBallots, critiqueOthers } from '../critique.ts';
import type { Round } from '../open-round.ts';
import type { Policy } from '../policy-model.ts';

/**
 * The rollout sets with those groups only of which the peers voted an answer best. Every peer judges others'
 * answers by its own model and votes, as in the product's stages.
 */
export async function votedRollouts(
  policies: readonly Policy[],
  views: readonly Round[],
  published: readonly PeerRollouts[],
): Promise<readonly PeerRollouts[]> {
  const critiques: PeerJudgements[] = [];
  for (const [peer, view] of views.entries()) {
    const critic = view.context.device;
    const others = published.filter(({ author }) => author !== critic);
    const judgements = await critiqueOthers(must(policies, peer), view, others);
    critiques.push({ critic, standing: UNKNOWN, judgements });
  }
  const voted = new Set(
    views.flatMap((view, peer) =>
      castBallots(must(policies, peer).format, view, published, critiques).map(
        ({ author, item }) => `${author}/${item}`,
      ),
    ),
  );
  return published.map((peer) => ({
    ...peer,
    set: {
      ...peer.set,
      groups: peer.set.groups.filter(({ item }) => voted.has(`${peer.author}/${item}`)),
    },
  }));
}
