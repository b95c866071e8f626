import type { ReactNode } from 'react';
import type { Opened } from './use-opened.ts';

interface OpenedPartProps<T> {
  readonly opened: Opened<T>;
  /** Of the sentence that says why it could not be opened. */
  readonly testId: string;
  readonly children: (value: T) => ReactNode;
}

/** A part of a screen that needs something opened first: it waits, says why there is nothing, or is shown. */
export function OpenedPart<T>({ opened, testId, children }: OpenedPartProps<T>) {
  switch (opened.kind) {
    case 'opening':
      return <p className="text-note text-quiet">Opening…</p>;
    case 'failed':
      return (
        <p className="text-body text-bad" role="status" data-testid={testId}>
          {opened.cause}
        </p>
      );
    case 'open':
      return children(opened.value);
  }
}
