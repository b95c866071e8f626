import type { Evidence } from '../../../protocol/evidence.ts';
import type { Hex } from '../../../protocol/hex.ts';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { ChainError } from '../../errors.ts';
import { unjudgeable } from '../judgeable.ts';
import { type DisputesPort, type Played, type PortOptions, windowOf } from '../port.ts';
import { claimTree } from '../trees.ts';

export interface ClaimOnceOptions extends PortOptions {
  /**
   * Commits to the claim before anybody can see its root, so that whoever copies it comes second. It gets the
   * hash of the terms and the claim's root. Defaults to nothing.
   */
  readonly commit?: (run: Hex, root: Hex) => Promise<void>;
}

/**
 * Claims what the evidence says, unless the account's same claim is on the chain already: a restart claims
 * nothing twice. Rejects as the node, the evidence or `commit` does, and with ChainError `invalid` for a run
 * that the contract could not judge.
 */
export async function claimOnce(
  port: DisputesPort,
  evidence: Evidence,
  options: ClaimOnceOptions = {},
): Promise<Played> {
  const { terms } = evidence;
  const flaw = unjudgeable(evidence.program);
  if (flaw !== undefined) {
    throw new ChainError('invalid', `A claim about this run could not be defended. ${flaw}`);
  }
  const { root } = claimTree(await evidence.stepRoots(options));
  const hash = termsHash(terms);
  const window = windowOf(await port.settings(options), terms.steps);
  const since = Math.max(0, (await port.now(options)) - window);
  const made = (await port.claims(since, options)).find(
    (each) =>
      each.root === root && each.terms === hash && each.claimant.toLowerCase() === port.me.toLowerCase(),
  );
  if (made !== undefined) return { kind: 'done', id: made.claim };
  await options.commit?.(hash, root);
  const { claim: bond } = await port.bonds(terms, options);
  return port.play({ kind: 'claim', terms, root, bond }, options);
}
