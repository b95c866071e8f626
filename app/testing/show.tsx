import type { ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { onTestFinished } from 'vitest';
import { type Locator, page } from 'vitest/browser';

export interface Shown {
  /** The element that the component is drawn into. */
  readonly element: HTMLElement;
  readonly locator: Locator;
  /** Draws something else in the same place, as React would on a change of state. */
  update(node: ReactNode): void;
}

/** Draws a component into the page. It is taken away when the test ends. */
export function show(node: ReactNode): Shown {
  const element = document.createElement('div');
  document.body.append(element);
  const root: Root = createRoot(element);
  root.render(node);
  onTestFinished(() => {
    root.unmount();
    element.remove();
  });
  return { element, locator: page.elementLocator(element), update: (next) => root.render(next) };
}
