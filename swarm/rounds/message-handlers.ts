import type { Gossip } from '../gossip.ts';
import type { Message } from '../messages/envelope.ts';
import { digestInCid } from '../messages/rollouts.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { AttestationChecks } from './attestation-checks.ts';
import type { RoundEvent } from './events.ts';
import type { RoundRecords } from './round-records.ts';

/** Where accepted messages go. */
export interface MessageHandlers {
  readonly gossip: Pick<Gossip, 'reject'>;
  readonly records: RoundRecords;
  readonly acknowledgements: Acknowledgements;
  readonly checks: AttestationChecks;
  readonly emit: (event: RoundEvent) => void;
}

/** Hands one accepted message to the handler of its type. */
export function handleMessage(message: Message, handlers: MessageHandlers): void {
  const { gossip, records, acknowledgements, checks, emit } = handlers;
  const { round, author } = message;
  switch (message.type) {
    case 'commit':
      records.commit(message);
      break;
    case 'reveal':
      records.reveal(message);
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
      acknowledgements.handleAck(message);
      break;
    case 'hello':
      break;
  }
}
