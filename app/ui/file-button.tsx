import { type ReactNode, useRef } from 'react';
import { Button, type ButtonProps } from './button.tsx';

interface FileButtonProps extends Pick<ButtonProps, 'look' | 'disabled'> {
  /** Test id of the button. */
  readonly 'data-testid'?: string;
  /** Test id of the file input. */
  readonly testId: string;
  readonly label: string;
  /** Whether a folder is chosen rather than files. */
  readonly folder?: boolean;
  /** Whether only one file may be chosen. Defaults to several. */
  readonly single?: boolean;
  readonly accept?: string;
  readonly onFiles: (files: FileList | null) => unknown;
  readonly children: ReactNode;
}

/** A button that opens the browser's file picker. */
export function FileButton(props: FileButtonProps) {
  const { testId, label, folder = false, single = false, accept, onFiles, children, ...button } = props;
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button {...button} onClick={() => input.current?.click()}>
        {children}
      </Button>
      <input
        ref={(element) => {
          input.current = element;
          if (element !== null) element.webkitdirectory = folder;
        }}
        type="file"
        multiple={!single}
        accept={accept}
        className="hidden"
        data-testid={testId}
        aria-label={label}
        onChange={(event) => {
          onFiles(event.target.files);
          // Choosing the same files again is a change, too.
          event.target.value = '';
        }}
      />
    </>
  );
}
