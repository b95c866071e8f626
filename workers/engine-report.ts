import { suiteDigest } from '../compute/conformance/suite-digest.ts';
import type { Engine, EngineKind } from '../compute/engines/engine.ts';
import type { Hex } from '../protocol/hex.ts';

/** An engine ready to run, and the reason for choosing it. */
export interface ChosenEngine<Verdict> {
  readonly engine: Engine;
  /** One sentence for a person. */
  readonly reason: string;
  readonly verdicts: readonly Verdict[];
}

/** The engine in use, as plain data. */
export interface EngineReport<Verdict> {
  readonly kind: EngineKind;
  readonly description: string;
  readonly reason: string;
  readonly verdicts: readonly Verdict[];
  /** Digest of the conformance suite that the verdicts refer to. */
  readonly suite: Hex;
}

export function reportOf<Verdict>({
  engine,
  reason,
  verdicts,
}: ChosenEngine<Verdict>): EngineReport<Verdict> {
  return { kind: engine.kind, description: engine.description, reason, verdicts, suite: suiteDigest() };
}
