import { useId, useState } from 'react';

interface FoldedTextProps {
  readonly text: string;
  /** What the text is, for the button: "reasoning". */
  readonly what: string;
  /** Characters that show by themselves. Defaults to 160. */
  readonly shown?: number;
  readonly testId?: string;
}

/**
 * A text that may be long: its beginning, and all of it when a person asks. What is folded is not in the
 * document.
 */
export function FoldedText({ text, what, shown = 160, testId }: FoldedTextProps) {
  const [open, setOpen] = useState(false);
  const id = useId();
  const long = text.length > shown * 1.25;
  return (
    <>
      <span
        id={id}
        data-testid={testId}
        className={open ? 'block whitespace-pre-wrap' : 'whitespace-pre-wrap'}
      >
        {long && !open ? `${text.slice(0, shown).trimEnd()}…` : text}
      </span>
      {long ? (
        <button
          type="button"
          aria-expanded={open}
          aria-controls={id}
          onClick={() => setOpen(!open)}
          className="ml-1.5 rounded text-note font-medium text-accent underline decoration-line-strong/60 underline-offset-4 hover:decoration-current"
        >
          {open ? 'Fold' : `All ${wordsOf(text)} words`}
          <span className="sr-only"> of this {what}</span>
        </button>
      ) : null}
    </>
  );
}

function wordsOf(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}
