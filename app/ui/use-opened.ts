import { useEffect, useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';

/** Something of the page that is opened when it is first needed. */
export interface Openable<T> {
  /** The same thing for everybody who asks. After a failure the next call tries again. */
  open(): Promise<T>;
}

export type Opened<T> =
  | { readonly kind: 'opening' }
  | { readonly kind: 'failed'; readonly cause: string; readonly again: () => void }
  | { readonly kind: 'open'; readonly value: T };

/** Opens it when the component is first shown, and when the person tries again after a failure. */
export function useOpened<T>(openable: Openable<T>): Opened<T> {
  const [attempt, setAttempt] = useState(0);
  const [opened, setOpened] = useState<Opened<T>>({ kind: 'opening' });
  useEffect(() => {
    let current = true;
    const again = () => {
      setOpened({ kind: 'opening' });
      setAttempt((count) => count + 1);
    };
    openable.open().then(
      (value) => {
        if (current) setOpened({ kind: 'open', value });
      },
      (error: unknown) => {
        if (current) setOpened({ kind: 'failed', cause: messageOf(error), again });
      },
    );
    return () => {
      current = false;
    };
  }, [openable, attempt]);
  return opened;
}
