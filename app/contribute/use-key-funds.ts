import { useCallback, useEffect, useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';
import type { HeldFunds } from '../volunteer/key-port.ts';
import { useView, useVolunteer } from '../volunteer/volunteer-context.tsx';

/** What the keys of this device hold, as the chain said last. */
export interface KeyFundsView {
  /** The present key's; null until the chain has answered. */
  readonly present: HeldFunds | null;
  /** Of keys that were replaced, those that still have something. */
  readonly earlier: readonly HeldFunds[];
  /** Why the chain did not answer. */
  readonly failure: string | null;
  /** Asks the chain again. */
  readonly refresh: () => void;
}

interface Answer {
  /** What was asked: which device, in which phase, for the how manieth time. */
  readonly question: string;
  readonly held: readonly HeldFunds[];
  readonly failure: string | null;
}

/** Between two questions to a chain that does not answer. */
const AGAIN_MS = 5_000;

/**
 * Asks the chain what the keys hold: when the device or its network is known or another one, when the phase
 * changes, on `refresh`, and again where there was no answer.
 */
export function useKeyFunds(): KeyFundsView {
  const { keys } = useVolunteer();
  const address = useView((view) => view.device?.address ?? null);
  const reachable = useView((view) => view.network?.reachable === true);
  const phase = useView((view) => view.phase.kind);
  const [asked, setAsked] = useState(0);
  const [answer, setAnswer] = useState<Answer>({ question: '', held: [], failure: null });
  const refresh = useCallback(() => setAsked((count) => count + 1), []);
  const question = address === null || !reachable ? '' : `${address} ${phase} ${asked}`;

  useEffect(() => {
    if (question === '') return;
    let current = true;
    let again: ReturnType<typeof setTimeout> | undefined;
    keys.funds().then(
      (held) => {
        if (current) setAnswer({ question, held, failure: null });
      },
      (error: unknown) => {
        // What the chain said before stays, with the reason beside it.
        if (!current) return;
        setAnswer(({ held }) => ({ question, held, failure: messageOf(error) }));
        again = setTimeout(refresh, AGAIN_MS);
      },
    );
    return () => {
      current = false;
      clearTimeout(again);
    };
  }, [keys, question, refresh]);

  const { held, failure } = answer;
  return {
    present: held.find((each) => each.address === address) ?? null,
    earlier: held.filter((each) => each.address !== address && totalOf(each) > 0n),
    failure,
    refresh,
  };
}

/** Everything that a key has, in wei. */
function totalOf({ balance, credit, bonded }: HeldFunds): bigint {
  return balance + credit + bonded;
}
