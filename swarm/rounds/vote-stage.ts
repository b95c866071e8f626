import type { DeviceAddress } from '../../protocol/hex.ts';
import type { PeerJudgements, PeerRollouts, RoundContext } from '../../protocol/trainer.ts';
import { LIMITS } from '../messages/limits.ts';
import type { RoundDependencies } from './dependencies.ts';
import { waitForStage } from './stage-clock.ts';
import { truncate, withinOneMessage } from './truncate.ts';

/**
 * The vote stage: votes for the best answers of others, corrects own ones, and publishes both in a signed
 * vote.
 */
export async function voteStage(
  dependencies: RoundDependencies,
  context: RoundContext,
  own: PeerRollouts,
  critique: PeerJudgements | null,
  signal: AbortSignal,
): Promise<void> {
  const { trainer, ledger, gossip, records, emit, status } = dependencies;
  const { round, device } = context;
  await waitForStage(dependencies, round, 'vote', signal);
  status('Voting for the best answers.');
  const critiques = [...(critique === null ? [] : [critique]), ...records.critiques(round)];
  // Only the peers that were selected, so that whoever brings many keys does not own the ballot.
  const selected = [...records.select('critique', context), ...records.select('train', context)];
  const all = [own, ...new Map(selected.map((peer) => [peer.author, peer])).values()];
  const made = await trainer.vote(context, all, critiques, signal);
  signal.throwIfAborted();
  const ballots = made.ballots.slice(0, LIMITS.ballots);
  const corrections = withinOneMessage(
    made.corrections
      .slice(0, LIMITS.corrections)
      .map(({ item, text }) => ({ item, text: truncate(text, LIMITS.correctionText) })),
  );
  const winners = winnersOf(ballots);
  emit({ kind: 'votes', round, voter: device, own: true, winners, ballots, corrections });
  const { signature } = await ledger.signVote({ round, winners });
  await gossip.publish({ type: 'vote', round, body: { winners, signature, ballots, corrections } });
}

/** The authors of the ballots, each once, in ascending order of address. */
function winnersOf(ballots: readonly { readonly author: DeviceAddress }[]): readonly DeviceAddress[] {
  return [...new Set(ballots.map(({ author }) => author))].sort().slice(0, LIMITS.winners);
}
