import { ChevronRight } from 'lucide-react';
import { type ReactNode, useId } from 'react';
import { shortHex } from './format.ts';

interface SectionProps {
  readonly title: string;
  /** What this part of the page is about, in one line. */
  readonly about?: ReactNode;
  readonly children: ReactNode;
  readonly action?: ReactNode;
  readonly testId?: string;
}

/** A titled region of the page, with a hairline above it. */
export function Section({ title, about, children, action, testId }: SectionProps) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="border-t border-line pt-6" data-testid={testId}>
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 id={id} className="text-title font-semibold tracking-tight">
          {title}
        </h2>
        {action}
      </div>
      {about === undefined ? null : (
        <p className="mt-1 max-w-[68ch] text-note text-quiet text-pretty">{about}</p>
      )}
      <div className="mt-4">{children}</div>
    </section>
  );
}

/** Says why there is nothing to show yet. */
export function Empty({ children }: { readonly children: ReactNode }) {
  return <p className="max-w-prose rounded-xl bg-sunken px-4 py-3 text-note text-quiet">{children}</p>;
}

/** Details that a person may open. */
export function Disclosure({
  summary,
  children,
}: {
  readonly summary: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <details className="group mt-1 text-note">
      <summary className="inline-flex min-h-9 items-center gap-1 rounded text-quiet hover:text-ink">
        <ChevronRight
          size={15}
          className="shrink-0 motion-safe:transition-transform group-open:rotate-90"
          aria-hidden="true"
        />
        {summary}
      </summary>
      <div className="pt-1 pb-2">{children}</div>
    </details>
  );
}

/** One named value in a definition list. */
export function Fact({
  name,
  children,
  testId,
}: {
  readonly name: string;
  readonly children: ReactNode;
  readonly testId?: string;
}) {
  return (
    <div className="flex flex-wrap items-baseline justify-between gap-x-4 py-1.5">
      <dt className="text-note text-quiet">{name}</dt>
      <dd className="min-w-0 text-body" data-testid={testId}>
        {children}
      </dd>
    </div>
  );
}

/** A shortened hash or address. Pointing at it shows the whole value. */
export function HexText({ value, testId }: { readonly value: string; readonly testId?: string }) {
  return (
    <code className="font-mono text-note" title={value} data-testid={testId} data-value={value}>
      {shortHex(value)}
    </code>
  );
}
