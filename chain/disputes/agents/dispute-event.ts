/** What an auditor or a defender has to say about its work. */
import type { Hex } from 'viem';
import type { GameMove, Played } from '../port.ts';

export type Happening =
  /** No run specification with these terms is known, so the claim cannot be checked here. */
  | { readonly kind: 'unknown-terms'; readonly claim: number; readonly terms: Hex }
  | { readonly kind: 'checking'; readonly claim: number }
  /** Recomputed: the same bits. */
  | { readonly kind: 'agrees'; readonly claim: number }
  | { readonly kind: 'differs'; readonly claim: number; readonly claimed: Hex; readonly computed: Hex }
  | { readonly kind: 'challenged'; readonly claim: number; readonly game: number }
  | { readonly kind: 'under-attack'; readonly claim: number; readonly game: number }
  | { readonly kind: 'moved'; readonly game: number; readonly move: GameMove; readonly played: Played }
  /** Nothing can be done in this game. */
  | { readonly kind: 'stuck'; readonly game: number; readonly why: string }
  | { readonly kind: 'over'; readonly claim: number; readonly game: number; readonly won: boolean }
  | { readonly kind: 'settled'; readonly claim: number; readonly stands: boolean }
  | { readonly kind: 'withdrew'; readonly amount: bigint }
  /** It is tried again; the sentence names the cause. */
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

/** One sentence for a person. */
export function sentenceOf(happening: Happening): string {
  switch (happening.kind) {
    case 'unknown-terms':
      return `Claim ${happening.claim}: no run specification here has its terms (${happening.terms.slice(0, 10)}…). Add it to check the claim.`;
    case 'checking':
      return `Claim ${happening.claim}: recomputing the run.`;
    case 'agrees':
      return `Claim ${happening.claim}: the same bits here. Nothing to do.`;
    case 'differs':
      return `Claim ${happening.claim}: this machine got other checkpoints (${happening.computed.slice(0, 10)}…, claimed ${happening.claimed.slice(0, 10)}…).`;
    case 'challenged':
      return `Claim ${happening.claim}: challenged, game ${happening.game}.`;
    case 'under-attack':
      return `Claim ${happening.claim}: somebody challenged it, game ${happening.game}.`;
    case 'moved':
      return `Game ${happening.game}: ${sentenceOfMove(happening.move, happening.played)}`;
    case 'stuck':
      return `Game ${happening.game}: no move. ${happening.why}`;
    case 'over':
      return `Game ${happening.game} about claim ${happening.claim}: ${happening.won ? 'won' : 'lost'}.`;
    case 'settled':
      return `Claim ${happening.claim}: ${happening.stands ? 'it stands' : 'it is lost'}.`;
    case 'withdrew':
      return `Withdrew ${formatEth(happening.amount)} ETH.`;
    case 'trouble':
      return happening.sentence;
  }
}

function sentenceOfMove(move: GameMove, played: Played): string {
  switch (played.kind) {
    case 'done':
      return `${MOVES[move.kind]}${played.gas === undefined ? '' : ` (${played.gas} gas)`}.`;
    case 'refused':
      return `tried “${move.kind}”; the contract refused (${played.reason}).`;
    case 'unknown':
      return `sent “${move.kind}”; not in a block yet.`;
  }
}

function formatEth(wei: bigint): string {
  const [whole, rest] = [wei / 10n ** 18n, wei % 10n ** 18n];
  const digits = rest.toString().padStart(18, '0').replace(/0+$/, '');
  return digits === '' ? String(whole) : `${whole}.${digits}`;
}
