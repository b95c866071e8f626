import type { Gossip } from '../gossip.ts';
import type { Message } from '../messages/envelope.ts';
import { digestInCid } from '../messages/rollouts.ts';
import type { Origin } from '../messages/validator.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { RoundEvent } from './events.ts';
import type { ObjectChecks } from './object-checks.ts';
import type { RoundRecords } from './round-records.ts';

/** Where accepted messages go. */
export interface MessageHandlers {
  readonly gossip: Pick<Gossip, 'reject' | 'blame'>;
  readonly records: RoundRecords;
  readonly acknowledgements: Acknowledgements;
  readonly checks: ObjectChecks<'attest'>;
  readonly emit: (event: RoundEvent) => void;
}

/** Hands one accepted message to the handler of its type. */
export function handleMessage(message: Message, origin: Origin, handlers: MessageHandlers): void {
  const { gossip, records, acknowledgements, checks, emit } = handlers;
  const { round, author } = message;
  switch (message.type) {
    case 'commit':
      records.commit(message);
      break;
    case 'reveal':
      if (records.reveal(message)) gossip.blame(message, origin);
      break;
    case 'critique': {
      const { judgements } = message.body;
      if (records.critique(message))
        emit({ kind: 'critiques', round, critic: author, own: false, judgements });
      break;
    }
    case 'vote': {
      const { winners, ballots, corrections } = message.body;
      if (records.vote(message))
        emit({ kind: 'votes', round, voter: author, own: false, winners, ballots, corrections });
      break;
    }
    case 'attest':
      if (digestInCid(message.body.rollouts) !== message.body.rolloutDigest) {
        gossip.reject('malformed', 'the attested rollouts are not those of the record');
        break;
      }
      checks.check(message);
      emit({ kind: 'attested', message });
      break;
    case 'ack':
      if (acknowledgements.handleAck(message)) gossip.blame(message, origin);
      break;
    case 'hello':
      break;
  }
}
