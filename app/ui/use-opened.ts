import { useEffect, useState } from 'react';
import { messageOf } from '../../protocol/message-of.ts';

/** Something of the page that is opened when it is first needed. */
export interface Openable<T> {
  /** The same thing for everybody who asks. After a failure the next call tries again. */
  open(): Promise<T>;
}

export type Opened<T> =
  | { readonly kind: 'opening' }
  | { readonly kind: 'failed'; readonly cause: string }
  | { readonly kind: 'open'; readonly value: T };

/** Opens it when the component is first shown. */
export function useOpened<T>(openable: Openable<T>): Opened<T> {
  const [opened, setOpened] = useState<Opened<T>>({ kind: 'opening' });
  useEffect(() => {
    let current = true;
    openable.open().then(
      (value) => {
        if (current) setOpened({ kind: 'open', value });
      },
      (error: unknown) => {
        if (current) setOpened({ kind: 'failed', cause: messageOf(error) });
      },
    );
    return () => {
      current = false;
    };
  }, [openable]);
  return opened;
}
