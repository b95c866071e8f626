import type { ReactNode } from 'react';
import { flushSync } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { onTestFinished } from 'vitest';
import { type Locator, page } from 'vitest/browser';

export interface Shown {
  /** The element that the component is drawn into. */
  readonly element: HTMLElement;
  readonly locator: Locator;
  /** Draws something else in the same place, as React would on a change of state. */
  update(node: ReactNode): void;
}

let count = 0;

/** Draws a component into the page at once. It is taken away when the test ends. */
export function show(node: ReactNode): Shown {
  const element = document.createElement('div');
  element.dataset.testid = `shown-${count++}`;
  document.body.append(element);
  const root = createRoot(element);
  const update = (next: ReactNode) => flushSync(() => root.render(next));
  update(node);
  onTestFinished(() => {
    root.unmount();
    element.remove();
  });
  return { element, locator: page.getByTestId(element.dataset.testid), update };
}
