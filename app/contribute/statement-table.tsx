import type { ReactNode } from 'react';
import { HexText } from '../ui/section.tsx';
import { useView } from '../volunteer/volunteer-context.tsx';

interface CellProps {
  readonly children: ReactNode;
  /** Whether the cell is left out on narrow screens. */
  readonly wide?: boolean;
}

/** The head of a column of statements. */
export function Head({ children, wide }: CellProps) {
  return (
    <th scope="col" className={`py-2 pr-4 font-medium ${wide === true ? 'hidden sm:table-cell' : ''}`}>
      {children}
    </th>
  );
}

export function Cell({ children, wide }: CellProps) {
  return <td className={`figure py-2 pr-4 ${wide === true ? 'hidden sm:table-cell' : ''}`}>{children}</td>;
}

/** A transaction's hash, as a link where the network has an explorer. */
export function Transaction({ hash }: { readonly hash: string }) {
  const explorer = useView((view) => view.network?.explorer ?? null);
  const name = <HexText value={hash} />;
  if (explorer === null) return name;
  return (
    <a
      href={`${explorer}/tx/${hash}`}
      target="_blank"
      rel="noreferrer"
      className="text-accent underline decoration-line-strong/60 underline-offset-4 hover:decoration-current"
    >
      {name}
    </a>
  );
}
