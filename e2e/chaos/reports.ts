import { toHex } from '../../protocol/hex.ts';
import { sha256Of } from '../../protocol/sha256-of.ts';
import type { Gossip } from '../../swarm/gossip.ts';
import type { Message } from '../../swarm/messages/envelope.ts';
import type { RoundDriver } from '../../swarm/rounds/round-driver.ts';
import type { ChaosReport } from './settings.ts';

/** Tells the drill what an honest member says, does and hears. */
export function tellOf(
  { gossip, driver }: { readonly gossip: Gossip; readonly driver: RoundDriver },
  tell: (report: ChaosReport) => void,
): void {
  gossip.onMessage((message) => tellMessage(message, tell));
  driver.on((event) => {
    if (event.kind === 'sent') {
      const { round, checkpointRoot: root, body } = event;
      tell({ kind: 'finished', round, root, foreign: body.foreign });
    }
    if (event.kind === 'failed') tell({ kind: 'failed', round: event.round, cause: event.cause });
    if (event.kind === 'votes' && event.own) {
      const { round, voter: author, winners, ballots } = event;
      tell({ kind: 'vote', statement: { round, author, value: digest({ winners, ballots }) } });
    }
  });
}

/** What an accepted message says, as the drill compares it. */
function tellMessage(message: Message, tell: (report: ChaosReport) => void): void {
  const { round, author } = message;
  if (message.type === 'vote') {
    const { winners, ballots } = message.body;
    tell({ kind: 'vote', statement: { round, author, value: digest({ winners, ballots }) } });
  } else if (message.type === 'ack') {
    for (const { author: of, round: when, checkpointRoot } of message.body.attestations)
      tell({ kind: 'ack', by: author, statement: { round: when, author: of, value: checkpointRoot } });
  }
}

function digest(value: unknown): string {
  return toHex(sha256Of(new TextEncoder().encode(JSON.stringify(value)))).slice(0, 18);
}
