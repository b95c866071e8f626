import type { ReactNode } from 'react';

/** The title of a screen, and what the screen is for. */
export function ScreenIntro({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  return (
    <div className="max-w-2xl pt-6">
      <h1 className="text-headline font-semibold tracking-tight text-balance">{title}</h1>
      <p className="mt-3 text-lead text-quiet text-pretty">{children}</p>
    </div>
  );
}
