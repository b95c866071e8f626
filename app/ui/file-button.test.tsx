import { describe, expect, it, vi } from 'vitest';
import { userEvent } from 'vitest/browser';
import { expectAccessible } from '../testing/expect-accessible.ts';
import { show } from '../testing/show.tsx';
import { FileButton } from './file-button.tsx';

describe('FileButton', () => {
  it('opens the picker of its input by keyboard', async () => {
    const { element, locator } = show(
      <FileButton testId="file" label="Key backup file" onFiles={() => undefined}>
        Restore
      </FileButton>,
    );
    const opened = vi.fn((event: Event) => event.preventDefault());
    await expect.element(locator.getByRole('button', { name: 'Restore' })).toBeVisible();
    element.querySelector('input')?.addEventListener('click', opened);
    await userEvent.tab();
    await userEvent.keyboard('{Enter}');
    expect(opened).toHaveBeenCalledOnce();
    await expectAccessible(element);
  });

  it('reports the same file again when it is chosen again', async () => {
    const names: string[] = [];
    const { locator } = show(
      <FileButton
        single
        testId="file"
        label="Key backup file"
        onFiles={(files) => names.push(...[...(files ?? [])].map(({ name }) => name))}
      >
        Restore
      </FileButton>,
    );
    const file = new File(['{}'], 'key.json');
    await userEvent.upload(locator.getByTestId('file'), file);
    await userEvent.upload(locator.getByTestId('file'), file);
    expect(names).toEqual(['key.json', 'key.json']);
  });

  it('is for one file, for several, or for a folder', async () => {
    const input = (element: HTMLElement) => element.querySelector('input');
    const one = show(
      <FileButton single testId="one" label="One" onFiles={() => undefined}>
        One
      </FileButton>,
    );
    const folder = show(
      <FileButton folder testId="folder" label="Folder" onFiles={() => undefined}>
        Folder
      </FileButton>,
    );
    await expect.poll(() => input(one.element)?.multiple).toBe(false);
    await expect.poll(() => input(folder.element)?.webkitdirectory).toBe(true);
    expect(input(folder.element)?.multiple).toBe(true);
  });
});
