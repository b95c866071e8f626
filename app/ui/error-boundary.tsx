import { Component, type ReactNode } from 'react';
import { Button } from './button.tsx';

interface ErrorBoundaryProps {
  /** What failed, as the beginning of a sentence: "The chart". */
  readonly what: string;
  readonly children: ReactNode;
}

/**
 * Shows a sentence and a reload button in place of a part that failed, so that the rest of the page stays.
 * The usual cause is a chunk of code that could not be fetched.
 */
export class ErrorBoundary extends Component<ErrorBoundaryProps, { readonly cause: string | null }> {
  override state: { readonly cause: string | null } = { cause: null };

  static getDerivedStateFromError(error: unknown) {
    return { cause: error instanceof Error ? error.message : 'no reason given' };
  }

  override render() {
    if (this.state.cause === null) return this.props.children;
    return (
      <div className="rounded-xl bg-warn-soft px-4 py-3 text-note" role="status">
        <p>
          {this.props.what} cannot be shown ({this.state.cause}). Everything else goes on.
        </p>
        <Button look="small" className="mt-2" onClick={() => location.reload()}>
          Reload the page
        </Button>
      </div>
    );
  }
}
