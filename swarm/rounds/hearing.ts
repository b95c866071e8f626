import type { Attestation, Signed, Vote } from '../../protocol/ledger.ts';
import type { Gossip } from '../gossip.ts';
import type { AttestBody } from '../messages/bodies.ts';
import type { Message } from '../messages/envelope.ts';
import { digestInCid } from '../messages/rollouts.ts';
import { signedAttestation, signedVote } from '../messages/validator.ts';
import type { Acknowledgements } from './acknowledgements.ts';
import type { RoundEvent } from './events.ts';
import type { RoundRecords } from './records.ts';

/** An attestation seen in the swarm, own or another's: as the chain takes it, with the record beside it. */
export interface AttestationSeen {
  readonly signed: Signed<Attestation>;
  readonly record: AttestBody;
  readonly own: boolean;
  /** 33-byte key of the author; peerIdOf gives the peer to fetch its checkpoint and rollouts from. */
  readonly publicKey: Uint8Array;
}

export interface Hearing {
  readonly gossip: Pick<Gossip, 'refuse'>;
  readonly records: RoundRecords;
  readonly acknowledgements: Acknowledgements;
  readonly emit: (event: RoundEvent) => void;
  readonly attested: (seen: AttestationSeen) => void;
  readonly voted: (signed: Signed<Vote>) => void;
}

/** Takes one accepted message to where it belongs. */
export function hear(message: Message, hearing: Hearing): void {
  const { gossip, records, acknowledgements, emit } = hearing;
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
      emit({ kind: 'votes', round, voter: author, own: false, winners, ballots, corrections });
      hearing.voted(signedVote(message));
      break;
    }
    case 'attest':
      if (digestInCid(message.body.rollouts) !== message.body.rolloutDigest) {
        gossip.refuse('malformed', 'the attested rollouts are not those of the record');
        break;
      }
      acknowledgements.owe(message);
      emit({ kind: 'attested', message });
      hearing.attested({
        signed: signedAttestation(message),
        record: message.body,
        own: false,
        publicKey: message.from,
      });
      break;
    case 'ack':
      acknowledgements.hear(message);
      break;
    case 'hello':
      break;
  }
}
