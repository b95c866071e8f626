/**
 * The order in which an auditor looks at claims. Anybody can make claims, so no claim may keep the auditor
 * from another at which more is at stake, and among equals none that is dear to check from one that is cheap.
 */
import type { ClaimMade } from '../port.ts';

/** A claim that waits to be looked at. */
export interface WaitingClaim {
  readonly made: ClaimMade;
  /** What is paid if it stands: the price of the job that it was delivered for, in wei; 0 for none. */
  readonly stake: bigint;
  /** What a look at it costs at least, in ms. Undefined where there is nothing to look at. */
  readonly costMs: number | undefined;
}

/** Dearer claims are never looked at on the quick lanes, unless something is at stake. */
const QUICK_MS = 4_000;

/**
 * Which claims a lane takes. Every lane looks at one claim at a time, so a claim that takes hours holds up
 * one lane: a claim behind a job always finds another, and so does a cheap one.
 */
export const LANES = ['staked', 'quick', 'any'] as const;
export type Lane = (typeof LANES)[number];

/** Takes the first of the claims that the lane may take out of the list; undefined where there is none. */
export function takeFirst(waiting: Map<string, WaitingClaim>, lane: Lane): WaitingClaim | undefined {
  let first: readonly [string, WaitingClaim] | undefined;
  for (const entry of waiting) {
    if (!mayTake(lane, entry[1])) continue;
    if (first === undefined || compareClaims(entry[1], first[1]) < 0) first = entry;
  }
  if (first === undefined) return undefined;
  waiting.delete(first[0]);
  return first[1];
}

/**
 * Negative where `a` comes before `b`: more at stake by a factor of two, then cheaper by a factor of two,
 * then the earlier end of the window, then the exact stake, then the earlier claim.
 */
function compareClaims(a: WaitingClaim, b: WaitingClaim): number {
  return (
    bitsOf(b.stake) - bitsOf(a.stake) ||
    costClassOf(a) - costClassOf(b) ||
    a.made.windowEnd - b.made.windowEnd ||
    Number(b.stake > a.stake) - Number(a.stake > b.stake) ||
    a.made.claim - b.made.claim
  );
}

function mayTake(lane: Lane, { stake, costMs = 0 }: WaitingClaim): boolean {
  return lane === 'any' || stake > 0n || (lane === 'quick' && costMs <= QUICK_MS);
}

function bitsOf(stake: bigint): number {
  return stake === 0n ? 0 : stake.toString(2).length;
}

function costClassOf({ costMs = 0 }: WaitingClaim): number {
  return Math.ceil(Math.log2(Math.max(1, costMs)));
}
