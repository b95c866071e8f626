/** What an auditor or a defender reports of its work. */
import { formatEther, type Hex } from 'viem';
import type { GameMove, Played } from '../port.ts';

export type DisputeEvent =
  /** No run specification with these terms is known, so the claim cannot be checked here. */
  | { readonly kind: 'unknown-terms'; readonly claim: number; readonly terms: Hex }
  | { readonly kind: 'checking'; readonly claim: number }
  /** Recomputed here, with the same bits. */
  | { readonly kind: 'agrees'; readonly claim: number }
  /** Recomputed here, with other bits. Both hashes are roots over the checkpoint roots of all steps. */
  | { readonly kind: 'differs'; readonly claim: number; readonly claimed: Hex; readonly computed: Hex }
  /** This account challenged the claim. */
  | { readonly kind: 'challenged'; readonly claim: number; readonly game: number }
  /** Somebody challenged this account's claim. */
  | { readonly kind: 'under-attack'; readonly claim: number; readonly game: number }
  | { readonly kind: 'moved'; readonly game: number; readonly move: GameMove; readonly played: Played }
  /** There is no move left in this game. */
  | { readonly kind: 'stuck'; readonly game: number; readonly why: string }
  | { readonly kind: 'over'; readonly claim: number; readonly game: number; readonly won: boolean }
  | { readonly kind: 'settled'; readonly claim: number; readonly upheld: boolean }
  /** The claim's last checkpoint is in the training record. */
  | { readonly kind: 'recorded'; readonly claim: number }
  /** A device's handoff, which this account's claim was lost over, is shown to be false. */
  | { readonly kind: 'convicted'; readonly claim: number; readonly device: Hex }
  /** The device's bond has paid for the lost claim. */
  | { readonly kind: 'blamed'; readonly claim: number; readonly device: Hex }
  /** `amount` is in wei. */
  | { readonly kind: 'withdrew'; readonly amount: bigint }
  /** Something failed and is tried again. The sentence names the cause. */
  | { readonly kind: 'trouble'; readonly sentence: string };

const MOVES: Readonly<Record<GameMove['kind'], string>> = {
  reveal: 'showed the nodes below the disputed one',
  pick: 'named the first node that differs',
  openStep: 'opened the step',
  openSlot: 'opened the operator’s output',
  openLeaf: 'showed the numbers of the disputed leaf',
  pickElement: 'named the first number that differs',
  postFold: 'showed the sums on the way to the number',
  pickChunk: 'named the first sum that differs',
  judge: 'called the judge',
  timeout: 'ended the game: the other side’s time is up',
  release: 'took the bond back: another game has beaten the claim',
};

/** The event in one sentence for a person. */
export function formatDisputeEvent(event: DisputeEvent): string {
  switch (event.kind) {
    case 'unknown-terms':
      return `Claim ${event.claim}: no run specification here has its terms (${short(event.terms)}). Add it to check the claim.`;
    case 'checking':
      return `Claim ${event.claim}: recomputing the run.`;
    case 'agrees':
      return `Claim ${event.claim}: the same bits here. Nothing to do.`;
    case 'differs':
      return `Claim ${event.claim}: this machine got other checkpoints (${short(event.computed)}, claimed ${short(event.claimed)}).`;
    case 'challenged':
      return `Claim ${event.claim}: challenged, game ${event.game}.`;
    case 'under-attack':
      return `Claim ${event.claim}: somebody challenged it, game ${event.game}.`;
    case 'moved':
      return `Game ${event.game}: ${formatMove(event.move, event.played)}`;
    case 'stuck':
      return `Game ${event.game}: no move. ${event.why}`;
    case 'over':
      return `Game ${event.game} about claim ${event.claim}: ${event.won ? 'won' : 'lost'}.`;
    case 'settled':
      return `Claim ${event.claim}: ${event.upheld ? 'it stands' : 'it is lost'}.`;
    case 'recorded':
      return `Claim ${event.claim}: its last checkpoint is in the training record.`;
    case 'convicted':
      return `Claim ${event.claim}: device ${short(event.device)} signed a false handoff.`;
    case 'blamed':
      return `Claim ${event.claim}: paid for by the bond of device ${short(event.device)}.`;
    case 'withdrew':
      return `Withdrew ${formatEther(event.amount)} ETH.`;
    case 'trouble':
      return event.sentence;
  }
}

function formatMove(move: GameMove, played: Played): string {
  switch (played.kind) {
    case 'done':
      return `${MOVES[move.kind]}${played.gas === undefined ? '' : ` (${played.gas} gas)`}.`;
    case 'refused':
      return `tried “${move.kind}”; the contract refused (${played.reason}).`;
    case 'unknown':
      return `sent “${move.kind}”; not in a block yet.`;
  }
}

function short(hash: Hex): string {
  return `${hash.slice(0, 10)}…`;
}
