import type { Evidence } from '../../../protocol/evidence.ts';
import { termsHash } from '../../../protocol/slot-encoding.ts';
import { ChainError } from '../../errors.ts';
import { unjudgeable } from '../judgeable.ts';
import type { DisputesPort, Played, PortOptions } from '../port.ts';
import { claimTree } from '../trees.ts';

/**
 * Claims what the evidence says, unless the account's same claim is on the chain already: a restart claims
 * nothing twice. Rejects as the node or the evidence does, and with ChainError `invalid` for a run that the
 * contract could not judge.
 */
export async function claimOnce(
  port: DisputesPort,
  evidence: Evidence,
  options: PortOptions = {},
): Promise<Played> {
  const { terms } = evidence;
  const flaw = unjudgeable(evidence.program);
  if (flaw !== undefined) {
    throw new ChainError('invalid', `A claim about this run could not be defended. ${flaw}`);
  }
  const { root } = claimTree(await evidence.stepRoots(options));
  const hash = termsHash(terms);
  const { window } = await port.settings(options);
  const since = Math.max(0, (await port.now(options)) - window);
  const made = (await port.claims(since, options)).find(
    (each) =>
      each.root === root && each.terms === hash && each.claimant.toLowerCase() === port.me.toLowerCase(),
  );
  if (made !== undefined) return { kind: 'done', id: made.claim };
  const { claim: bond } = await port.bonds(terms, options);
  return port.play({ kind: 'claim', terms, root, bond }, options);
}
